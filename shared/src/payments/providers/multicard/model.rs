//! What Multicard tells, read with care: numbers come as numbers or texts, and names differ between its pages.

use serde_json::{Map, Value};

use super::failure::Failure;
use crate::payments::providers::Provider;
use crate::text_enum::text_enum;

/// Longer ids are not Multicard's.
const UUID_MAX: usize = 64;

/// What Multicard calls our id, by page.
pub(super) const REFERENCE: [&str; 2] = ["store_invoice_id", "invoice_id"];

text_enum! {
    /// Where a payment of Multicard's is.
    Status {
        /// Made, nobody has paid.
        Draft = "draft",
        /// The payer is being asked.
        Progress = "progress",
        /// The money is being taken; in a success callback this is as good as paid.
        Billing = "billing",
        /// Held, not taken.
        Hold = "hold",
        /// Paid.
        Success = "success",
        /// Came to nothing.
        Error = "error",
        /// Paid, and paid back.
        Revert = "revert",
    }
}

/// A payment or a payout as Multicard sees it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Multicard's id.
    pub uuid: String,
    /// Our id.
    pub reference: String,
    /// Tiyin.
    pub amount: i64,
    /// Whose till it is; not everywhere told.
    pub store: Option<i64>,
    /// Where it is.
    pub status: Status,
}

impl Entry {
    /// Reads one; none when a member that decides is missing or strange.
    pub(super) fn read(data: &Value) -> Option<Self> {
        let members = data.as_object()?;
        Some(Self {
            uuid: text(members, &["uuid"]).filter(|uuid| is_uuid(uuid))?.to_owned(),
            reference: text(members, &REFERENCE)?.to_owned(),
            amount: integer(members, &["payment_amount", "amount"])?,
            store: integer(members, &["store_id"]),
            status: Status::parse(text(members, &["status"])?)?,
        })
    }

    /// The same, or that the answer decides nothing.
    pub(super) fn expect(data: &Value) -> Result<Self, Failure> {
        Self::read(data).ok_or_else(|| Failure::Unknown("an entry that cannot be read".to_owned()))
    }

    /// Whether it is about this sum under this name in this till.
    pub(crate) fn is_about(&self, reference: &str, amount: i64, store: i64) -> bool {
        self.reference.eq_ignore_ascii_case(reference)
            && self.amount == amount
            && self.store.is_none_or(|told| told == store)
    }
}

/// A line of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Multicard's id, if that can be read.
    pub uuid: Option<String>,
    /// The network of the card.
    pub provider: Provider,
    /// The payment, if it can be read.
    pub entry: Option<Entry>,
}

impl Listed {
    /// Reads one, as far as it can be read.
    pub(super) fn read(data: &Value) -> Self {
        let named = |name: &str| data.as_object().and_then(|members| text(members, &[name]));
        let network = named("ps").and_then(Provider::parse);
        Self {
            uuid: named("uuid").filter(|uuid| is_uuid(uuid)).map(str::to_owned),
            provider: network.unwrap_or(Provider::Uzcard),
            entry: Entry::read(data),
        }
    }
}

/// How many entries there are in all, where Multicard says so.
pub(super) fn total(data: &Value) -> Option<usize> {
    data.get("pagination")?.get("total")?.as_u64().and_then(|total| usize::try_from(total).ok())
}

/// A page of entries. An answer of another shape is none: it does not mean that nothing is there.
pub(super) fn entries(data: &Value) -> Result<&Vec<Value>, Failure> {
    let list = match data {
        Value::Array(list) => Some(list),
        Value::Object(members) => ["list", "items", "results", "rows", "data"]
            .iter()
            .find_map(|name| members.get(*name)?.as_array()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    };
    list.ok_or_else(|| Failure::Unknown("a list that cannot be read".to_owned()))
}

/// Whether a text may stand in a path of Multicard's.
pub(super) fn is_uuid(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !text.is_empty() && text.len() <= UUID_MAX && text.bytes().all(plain)
}

pub(super) fn text<'a>(members: &'a Map<String, Value>, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| members.get(*name)?.as_str())
}

fn integer(members: &Map<String, Value>, names: &[&str]) -> Option<i64> {
    names.iter().find_map(|name| match members.get(*name)? {
        Value::Number(number) => whole(&number.to_string()),
        Value::String(text) => whole(text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

/// An integer that may carry an empty fraction: `100000`, `100000.0`, `100000.00`.
pub(super) fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_suffix(".00").or_else(|| text.strip_suffix(".0")).unwrap_or(text);
    let plain = !digits.is_empty() && digits.len() <= 18;
    digits.parse().ok().filter(|_| plain && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_read_whole_or_not_at_all() {
        let paid = json!({ "uuid": "3f6d1c9e-0d5d-4c1f-8a8e-2f7a0c1d2e3f", "store_invoice_id": "order-77",
            "payment_amount": 100_000, "store_id": 6, "status": "success", "card_pan": "860053******8829" });
        let entry = Entry::read(&paid).expect("whole");
        assert_eq!((entry.status, entry.amount, entry.store), (Status::Success, 100_000, Some(6)));
        assert!(entry.is_about("ORDER-77", 100_000, 6));
        for (reference, amount, store) in
            [("order-78", 100_000, 6), ("order-77", 100_001, 6), ("order-77", 100_000, 7)]
        {
            assert!(!entry.is_about(reference, amount, store));
        }
        let other =
            json!({ "uuid": "a", "invoice_id": "b", "amount": "500.00", "status": "draft" });
        assert_eq!(Entry::read(&other).map(|entry| (entry.amount, entry.store)), Some((500, None)));
        for (name, value) in [
            ("uuid", json!("../payment/1")),
            ("uuid", json!("")),
            ("uuid", json!(7)),
            ("status", json!("sucess")),
            ("status", json!(null)),
            ("payment_amount", json!(1.5)),
            ("payment_amount", json!(-5)),
            ("store_invoice_id", json!(77)),
        ] {
            let mut broken = paid.clone();
            broken.as_object_mut().expect("an object").insert(name.to_owned(), value);
            assert_eq!(Entry::read(&broken), None, "{broken}");
        }
    }

    #[test]
    fn a_list_of_another_shape_is_not_an_empty_list() {
        for empty in [json!([]), json!({ "list": [] }), json!({ "items": [], "total": 0 })] {
            assert!(entries(&empty).expect("a list").is_empty());
        }
        for other in [json!(null), json!({}), json!("x"), json!({ "list": null }), json!(0)] {
            assert!(entries(&other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_line_is_read_as_far_as_it_can_be() {
        let line = |data: Value| {
            let Listed { uuid, provider, entry } = Listed::read(&data);
            (uuid.is_some(), provider, entry.is_some())
        };
        let paid = json!({ "uuid": "a", "invoice_id": "b", "amount": 5, "status": "success", "ps": "humo" });
        assert_eq!(line(paid), (true, Provider::Humo, true));
        let strange = json!({ "uuid": "a", "invoice_id": null, "amount": 5, "status": "success" });
        assert_eq!(line(strange), (true, Provider::Uzcard, false));
        assert_eq!(line(json!(7)), (false, Provider::Uzcard, false));
        assert_eq!(total(&json!({ "pagination": { "total": 7 }, "list": [] })), Some(7));
        assert_eq!(total(&json!({ "list": [] })), None);
    }

    #[test]
    fn integers_are_never_rounded() {
        for (text, number) in [
            ("100000", Some(100_000)),
            ("100000.0", Some(100_000)),
            ("100000.00", Some(100_000)),
            ("100000.5", None),
            ("1e5", None),
            ("-1", None),
            ("+1", None),
            ("", None),
            (".00", None),
            ("9999999999999999999", None),
        ] {
            assert_eq!(whole(text), number, "{text}");
        }
    }
}
