//! JSON-RPC as providers speak it to us: raw bytes to an envelope, and what of a call goes on record. Pure.

use serde_json::{Map, Value, json};

/// What stands for what is not kept.
pub(super) const MASK: &str = "***";

/// A call, before anybody asks what it means.
pub(super) struct Envelope {
    /// Echoed as it came; null when it is none.
    pub id: Value,
    /// The method's name as it came; empty when it cannot be read.
    pub method: String,
    /// The other members.
    pub members: Map<String, Value>,
    /// The member that makes it unreadable all the same.
    pub flaw: Option<&'static str>,
}

/// Why there is no envelope: nothing of it can be echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is no JSON.
    Json,
    /// It is no object; nobody sends batches.
    Object,
}

impl Envelope {
    /// Reads the body of a POST.
    pub(super) fn read(raw: &[u8]) -> Result<Self, Broken> {
        // serde_json refuses invalid UTF-8, lone surrogates, a second document, and nesting deeper than 128.
        let document: Value = serde_json::from_slice(raw).ok().ok_or(Broken::Json)?;
        // PostgreSQL cannot hold a NUL, and nothing a provider sends has one.
        let has_nul = contains_nul(&document);
        let Value::Object(mut members) = document else { return Err(Broken::Object) };
        let id = members.remove("id").unwrap_or(Value::Null);
        let id_is_valid = match &id {
            Value::Null | Value::String(_) => true,
            Value::Number(number) => number.is_i64() || number.is_u64(),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
        let flaw = match (has_nul, id_is_valid) {
            (true, _) => Some("request"),
            (false, false) => Some("id"),
            (false, true) => None,
        };
        let method = members.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { id: if id_is_valid { id } else { Value::Null }, method, members, flaw })
    }

    /// The parameters as they came.
    pub(super) fn take_params(&mut self) -> Value {
        self.members.remove("params").unwrap_or(Value::Null)
    }
}

fn contains_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(contains_nul),
        Value::Object(members) => {
            members.iter().any(|(name, value)| name.contains('\0') || contains_nul(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A call as it is recorded.
pub(super) struct Recorded<'a> {
    /// Its id.
    pub id: &'a Value,
    /// The method's name.
    pub method: &'a str,
    /// Its parameters.
    pub params: &'a Value,
    /// How many bytes it had.
    pub bytes: usize,
}

impl Recorded<'_> {
    /// All of it, its parameters as `mask` leaves them. Of a stranger only the outline stays: strangers do not fill the
    /// table.
    pub(super) fn request(
        &self,
        is_stranger: bool,
        mask: impl FnOnce(&Map<String, Value>) -> Value,
    ) -> Value {
        let mut kept = json!({ "method": self.method, "bytes": self.bytes });
        if let (false, Some(members)) = (is_stranger, kept.as_object_mut()) {
            members.insert("id".to_owned(), self.id.clone());
            if let Value::Object(params) = self.params {
                members.insert("params".to_owned(), mask(params));
            }
        }
        kept
    }
}

/// A statement by its length, because its lines are on record already; none when a result is no statement.
pub(super) fn by_length(result: &Value, lines: &str) -> Option<Value> {
    let length = result.get(lines).and_then(Value::as_array)?.len();
    Some(json!({ lines: length }))
}
