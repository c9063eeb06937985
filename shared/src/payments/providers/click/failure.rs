//! What a call of the Merchant API that brought no answer means: that nothing happened, or that we do not know.

use std::fmt;

use serde_json::{Map, Value};

use super::super::outside::Lost;

/// Click's code of what is not there.
const NOT_FOUND: i64 = -16;

/// Why there is no answer. Click's words beside its code are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is no such payment.
    NotFound,
    /// Click said no, by this code: it did nothing.
    Refused(i64),
    /// The request never left, or was turned away unread: it did nothing.
    NotSent(String),
    /// No answer, or none that decides: it may have done it.
    Unknown(String),
}

impl Failure {
    /// An answer that is not of the documented form.
    pub(super) fn unreadable() -> Self {
        Self::Unknown("an answer that cannot be read".to_owned())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => write!(f, "Click does not know it"),
            Self::Refused(code) => write!(f, "Click refused: {code}"),
            Self::NotSent(why) => write!(f, "Click was not asked: {why}"),
            Self::Unknown(why) => write!(f, "Click did not answer: {why}"),
        }
    }
}

impl From<Lost> for Failure {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::NotSent(why) => Self::NotSent(why.to_owned()),
            Lost::Unknown(why) => Self::Unknown(why.to_owned()),
        }
    }
}

/// The members of an answer. Only a success that is whole is one, and only Click's own no, not from a server in trouble,
/// is one; whatever contradicts itself decides nothing.
pub(super) fn judge(status: u16, body: &[u8]) -> Result<Map<String, Value>, Failure> {
    let unknown = |why: &str| Err(Failure::Unknown(format!("HTTP {status}, {why}")));
    if matches!(status, 401 | 403) {
        return Err(Failure::NotSent(format!("HTTP {status}: we are not let in")));
    }
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(body) else {
        return unknown("no answer of Click's");
    };
    match (members.get("error_code").and_then(Value::as_i64), status) {
        (Some(0), 200 | 201) => Ok(members),
        (Some(0) | None, _) => unknown("which contradicts itself"),
        (Some(_), 404 | 410) | (Some(NOT_FOUND), 200..500) => Err(Failure::NotFound),
        (Some(code), 200..500) => Err(Failure::Refused(code)),
        (Some(_), _) => unknown("a server in trouble"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_taken_for_an_answer() {
        let word = |status: u16, body: &str| match judge(status, body.as_bytes()) {
            Ok(_) => "ok",
            Err(Failure::NotFound) => "not found",
            Err(Failure::Refused(_)) => "refused",
            Err(Failure::NotSent(_)) => "not sent",
            Err(Failure::Unknown(_)) => "unknown",
        };
        for (status, body, expected) in [
            (200, r#"{"error_code":0,"payment_id":1}"#, "ok"),
            (201, r#"{"error_code":0}"#, "ok"),
            (404, r#"{"error_code":-16}"#, "not found"),
            (410, r#"{"error_code":-1}"#, "not found"),
            (200, r#"{"error_code":-16}"#, "not found"),
            (400, r#"{"error_code":-9}"#, "refused"),
            (200, r#"{"error_code":-31}"#, "refused"),
            (401, r#"{"error_code":-1}"#, "not sent"),
            (403, "", "not sent"),
            (404, "<html>", "unknown"),
            (404, r#"{"error_code":0}"#, "unknown"),
            (200, "<html>", "unknown"),
            (200, "{}", "unknown"),
            (200, r#"{"error_code":"0"}"#, "unknown"),
            (302, r#"{"error_code":0}"#, "unknown"),
            (500, r#"{"error_code":-9}"#, "unknown"),
            (502, "", "unknown"),
        ] {
            assert_eq!(word(status, body), expected, "{status} {body}");
        }
    }
}
