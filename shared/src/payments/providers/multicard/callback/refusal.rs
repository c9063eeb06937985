//! What Multicard is told when the answer is no.

use serde_json::{Value, json};

/// Why a callback is refused. In the success mode every one of these gives the payer their money back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A member is missing or of the wrong form.
    Malformed(&'static str),
    /// The signature is not Multicard's.
    Forged,
    /// No deposit by this method has this id.
    UnknownInvoice,
    /// Another amount, another till, or a payment of something else.
    Mismatch,
    /// The deposit was paid by another payment.
    PaidByAnother,
    /// The deposit is over, or the payment is not paid.
    NotPayable,
    /// The body is too long.
    TooLarge,
    /// Not plain JSON.
    NotJson,
    /// We, or Multicard's own answer, are not there now.
    Unavailable,
}

impl Refusal {
    /// The status of the answer.
    pub(super) const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Forged => 403,
            Self::UnknownInvoice => 404,
            Self::PaidByAnother | Self::NotPayable => 409,
            Self::TooLarge => 413,
            Self::NotJson => 415,
            Self::Mismatch => 422,
            Self::Unavailable => 503,
        }
    }

    const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "VALIDATION_ERROR",
            Self::Forged => "SIGNATURE_INVALID",
            Self::UnknownInvoice => "NOT_FOUND",
            Self::Mismatch => "MISMATCH",
            Self::PaidByAnother => "ALREADY_PAID",
            Self::NotPayable => "INVALID_STATE",
            Self::TooLarge => "PAYLOAD_TOO_LARGE",
            Self::NotJson => "UNSUPPORTED_MEDIA_TYPE",
            Self::Unavailable => "SERVICE_UNAVAILABLE",
        }
    }

    const fn message(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "A member is missing or not valid.",
            Self::Forged => "The signature is not valid.",
            Self::UnknownInvoice => "No such invoice.",
            Self::Mismatch => "The amount, the store or the invoice is another.",
            Self::PaidByAnother => "Another payment has paid this invoice.",
            Self::NotPayable => "The invoice cannot be paid by this payment now.",
            Self::TooLarge => "The body is too long.",
            Self::NotJson => "Only application/json is accepted.",
            Self::Unavailable => "Please try again later.",
        }
    }

    /// The body of the answer.
    pub(super) fn body(&self) -> Value {
        let details = match self {
            Self::Malformed(member) => json!({ *member: [self.message()] }),
            Self::Forged
            | Self::UnknownInvoice
            | Self::Mismatch
            | Self::PaidByAnother
            | Self::NotPayable
            | Self::TooLarge
            | Self::NotJson
            | Self::Unavailable => json!({}),
        };
        json!({
            "success": false,
            "error": { "code": self.code(), "message": self.message(), "details": details },
        })
    }
}
