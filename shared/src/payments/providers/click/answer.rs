//! What Click is answered.

use serde_json::{Map, Value, json};

/// A call that did what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accepted {
    /// The payer may pay; our number of the payment.
    Prepared(i64),
    /// The payer has paid; our number of the payment.
    Confirmed(i64),
}

/// A call that did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// -1: the signature is not ours.
    Sign,
    /// -2: not the amount of the order.
    Amount,
    /// -3: neither Prepare nor Complete.
    Action,
    /// -4: paid before.
    AlreadyPaid,
    /// -5: no such order.
    NoOrder,
    /// -6: no such payment.
    NoPayment,
    /// -7: our side failed.
    Failed,
    /// -8: a field is missing or malformed.
    Request,
    /// -9: the payment is cancelled, now or before.
    Cancelled,
}

/// Success, or an error of the protocol: both are ordinary answers.
pub(super) type Answer = Result<Accepted, Refusal>;

impl Refusal {
    /// Click's number.
    pub(super) const fn code(self) -> i64 {
        match self {
            Self::Sign => -1,
            Self::Amount => -2,
            Self::Action => -3,
            Self::AlreadyPaid => -4,
            Self::NoOrder => -5,
            Self::NoPayment => -6,
            Self::Failed => -7,
            Self::Request => -8,
            Self::Cancelled => -9,
        }
    }

    /// Click's words.
    const fn note(self) -> &'static str {
        match self {
            Self::Sign => "SIGN CHECK FAILED!",
            Self::Amount => "Incorrect parameter amount",
            Self::Action => "Action not found",
            Self::AlreadyPaid => "Already paid",
            Self::NoOrder => "User does not exist",
            Self::NoPayment => "Transaction does not exist",
            Self::Failed => "Failed to update user",
            Self::Request => "Error in request from click",
            Self::Cancelled => "Transaction cancelled",
        }
    }
}

/// The label of a call that worked.
pub(super) const OK: &str = "ok";

/// The answer's label: `ok`, or Click's number.
pub(super) fn outcome(answer: Answer) -> String {
    answer.map_or_else(|refusal| refusal.code().to_string(), |_accepted| OK.to_owned())
}

/// The body: the ids of the call as far as they are known, the result, and its words.
pub(super) fn render(ids: &Map<String, Value>, answer: Answer) -> Value {
    let mut body = ids.clone();
    let (error, note) = match answer {
        Ok(accepted) => {
            let (name, number) = match accepted {
                Accepted::Prepared(number) => ("merchant_prepare_id", number),
                Accepted::Confirmed(number) => ("merchant_confirm_id", number),
            };
            body.insert(name.to_owned(), json!(number));
            (0, "Success")
        }
        Err(refusal) => (refusal.code(), refusal.note()),
    };
    body.insert("error".to_owned(), json!(error));
    body.insert("error_note".to_owned(), json!(note));
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{Accepted, Refusal, render};

    /// Providers study, section 2.2.
    #[test]
    fn answers_are_what_click_documents() {
        let ids: Map<String, Value> = [
            ("click_trans_id".to_owned(), json!(2_100_000_000_i64)),
            ("merchant_trans_id".to_owned(), json!("order-77")),
        ]
        .into_iter()
        .collect();
        assert_eq!(
            render(&ids, Ok(Accepted::Prepared(901))),
            json!({"click_trans_id":2_100_000_000_i64,"merchant_trans_id":"order-77","merchant_prepare_id":901,"error":0,"error_note":"Success"})
        );
        assert_eq!(
            render(&ids, Ok(Accepted::Confirmed(901))),
            json!({"click_trans_id":2_100_000_000_i64,"merchant_trans_id":"order-77","merchant_confirm_id":901,"error":0,"error_note":"Success"})
        );
        assert_eq!(
            render(&Map::new(), Err(Refusal::NoOrder)),
            json!({"error":-5,"error_note":"User does not exist"})
        );
    }
}
