//! From raw bytes to a callback: every signed member as it came, nothing through a float.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::model::{Status, is_uuid, whole};
use super::super::sign;
use super::refusal::Refusal;
use crate::ids::TransactionId;
use crate::settings::MulticardSettings;

/// What a callback says, and how far it can be believed: its signature is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Callback {
    /// Which protocol it is.
    pub mode: Mode,
    /// Multicard's id of the payment. Of a success callback it is not signed.
    pub uuid: String,
    /// Our deposit; none when the text is no id of ours.
    pub deposit: Option<TransactionId>,
    /// Tiyin.
    pub amount: i64,
    /// The till; only the success callback tells it.
    pub store: Option<i64>,
}

/// The two protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Its arrival means that the payer has paid; unless we say yes, they get their money back.
    Success,
    /// Every change is told; the status is not signed.
    Webhook(Status),
}

impl Mode {
    /// For labels and the record.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Webhook(_) => "webhook",
        }
    }
}

/// The members that count, as they came.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    store_id: Option<&'a RawValue>,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    invoice_id: Option<String>,
    uuid: Option<String>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    sign: Option<String>,
}

/// Reads a body and checks its signature.
pub(super) fn read(raw: &[u8], settings: &MulticardSettings) -> Result<Callback, Refusal> {
    let members: Members<'_> =
        serde_json::from_slice(raw).ok().ok_or(Refusal::Malformed("body"))?;
    let amount = unquoted(members.amount).ok_or(Refusal::Malformed("amount"))?;
    // A fraction of nothing is not signed.
    let signed_amount =
        amount.strip_suffix(".00").or_else(|| amount.strip_suffix(".0")).unwrap_or(amount);
    let tiyin = whole(amount).ok_or(Refusal::Malformed("amount"))?;
    let invoice = members.invoice_id.ok_or(Refusal::Malformed("invoice_id"))?;
    let uuid = members.uuid.filter(|uuid| is_uuid(uuid)).ok_or(Refusal::Malformed("uuid"))?;
    let sent = members.sign.ok_or(Refusal::Forged)?;
    let secret = settings.callback_secret.expose();
    let store = unquoted(members.store_id);
    let (mode, right) = match unquoted(members.status) {
        Some(status) => {
            let status = Status::parse(status).ok_or(Refusal::Malformed("status"))?;
            (Mode::Webhook(status), sign::of_webhook(&uuid, &invoice, signed_amount, secret))
        }
        None => {
            let store = store.ok_or(Refusal::Malformed("store_id"))?;
            (Mode::Success, sign::of_success(store, &invoice, signed_amount, secret))
        }
    };
    if !sign::is_same(&sent, &right) {
        return Err(Refusal::Forged);
    }
    let store = match store {
        Some(text) => Some(whole(text).ok_or(Refusal::Malformed("store_id"))?),
        None => None,
    };
    // Nothing stands between the signed members, so only an id of a fixed length is one of ours.
    let deposit = if invoice.len() == 36 { Uuid::try_parse(&invoice).ok() } else { None };
    Ok(Callback { mode, uuid, deposit: deposit.map(TransactionId), amount: tiyin, store })
}

/// A number or a text without its quotes; null is nothing.
fn unquoted(raw: Option<&RawValue>) -> Option<&str> {
    let text = raw?.get();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    (text != "null").then_some(text)
}

/// The members of a body, for the record; none when it is not an object.
pub(super) fn members(raw: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(raw).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::*;
    use crate::settings::Settings;

    const ORDER: &str = "0192f0c1-5e6a-7b3c-8d4e-5f6a7b8c9d0e";

    fn settings() -> MulticardSettings {
        let vars = [("MULTICARD_STORE_ID", "6"), ("MULTICARD_CALLBACK_SECRET", "mcSecret01")];
        let vars: HashMap<_, _> =
            vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Settings::from_vars(vars).expect("valid").multicard
    }

    fn word(body: &str) -> Result<Callback, Refusal> {
        read(body.as_bytes(), &settings())
    }

    fn success(amount: &str) -> String {
        let sign = sign::of_success("6", ORDER, "100000", "mcSecret01");
        format!(
            r#"{{"store_id":6,"amount":{amount},"invoice_id":"{ORDER}","uuid":"a-1","billing_id":null,"sign":"{sign}"}}"#
        )
    }

    #[test]
    fn both_modes_are_read_with_their_own_signature() {
        for amount in ["100000", "100000.0", "100000.00", "\"100000\"", "\"100000.00\""] {
            let callback = word(&success(amount)).expect(amount);
            assert_eq!((callback.mode, callback.amount), (Mode::Success, 100_000));
            assert_eq!(callback.store, Some(6));
            assert_eq!(callback.deposit.map(|id| id.to_string()).as_deref(), Some(ORDER));
        }
        let sign = sign::of_webhook("a-1", ORDER, "100000", "mcSecret01");
        let webhook = json!({ "uuid": "a-1", "amount": 100_000, "invoice_id": ORDER, "status": "revert", "sign": sign });
        let callback = word(&webhook.to_string()).expect("a webhook");
        assert_eq!((callback.mode, callback.store), (Mode::Webhook(Status::Revert), None));
    }

    #[test]
    fn a_change_of_what_is_signed_is_a_forgery() {
        let right = success("100000");
        for (from, to) in [
            ("100000", "100001"),
            ("100000", "1000000"),
            ("\"store_id\":6", "\"store_id\":7"),
            ("0192f0c1", "0192f0c2"),
            ("\"sign\":\"", "\"sign\":\"0"),
            // The signature of one mode is none of the other.
            ("\"billing_id\":null", "\"status\":\"success\""),
        ] {
            assert_eq!(word(&right.replacen(from, to, 1)), Err(Refusal::Forged), "{to}");
        }
        assert_eq!(word(&right.replacen("\"sign\"", "\"sing\"", 1)), Err(Refusal::Forged));
    }

    #[test]
    fn what_is_no_callback_is_refused_by_its_member() {
        let right = success("100000");
        for (body, member) in [
            ("", "body"),
            ("[]", "body"),
            ("{", "body"),
            ("{}", "amount"),
            (r#"{"amount":1.5}"#, "amount"),
            (r#"{"amount":1e5}"#, "amount"),
            (r#"{"amount":-100000}"#, "amount"),
            (r#"{"amount":[1]}"#, "amount"),
            (r#"{"amount":5}"#, "invoice_id"),
            (r#"{"amount":5,"invoice_id":"a"}"#, "uuid"),
            (r#"{"amount":5,"invoice_id":"a","uuid":"../x","sign":"a"}"#, "uuid"),
            (r#"{"amount":5,"invoice_id":"a","uuid":"x","sign":"a","status":"paid"}"#, "status"),
            (r#"{"amount":5,"invoice_id":"a","uuid":"x","sign":"a"}"#, "store_id"),
            (right.replacen("\"uuid\":\"a-1\"", "\"uuid\":7", 1).as_str(), "body"),
        ] {
            assert_eq!(word(body), Err(Refusal::Malformed(member)), "{body}");
        }
    }
}
