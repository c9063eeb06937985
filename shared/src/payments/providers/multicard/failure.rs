//! What a call that brought no answer means: that nothing happened, or that we do not know.

use std::fmt;

use serde_json::Value;

use super::super::outside::Lost;
use crate::Error;

/// Codes that say for certain that Multicard did nothing. Every other one, known or not, decides nothing.
const DEFINITE: [&str; 3] = ["ERROR_FIELDS", "ERROR_CARD_NOT_FOUND", "ERROR_NOT_FOUND"];
/// The code of what is not there.
const NOT_FOUND: &str = "ERROR_NOT_FOUND";
/// The code of what its state forbids.
const NOT_READY: &str = "ERROR_TRANS_NOT_READY";
/// Longer codes are nobody's.
const CODE_MAX: usize = 64;

/// Why there is no answer. What Multicard writes beside its code is never kept: it may repeat a card's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Multicard said no, by this code: it did nothing.
    Refused(String),
    /// The request never left, or was turned away unread: it did nothing.
    NotSent(String),
    /// Multicard says that the state of what was asked about forbids it; it may be one that we want.
    NotReady,
    /// No answer, or none that decides: it may have done it.
    Unknown(String),
}

impl Failure {
    /// Whether it says that there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(code) if code == NOT_FOUND)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(f, "Multicard refused: {code}"),
            Self::NotSent(why) => write!(f, "Multicard was not asked: {why}"),
            Self::NotReady => write!(f, "Multicard refused: {NOT_READY}"),
            Self::Unknown(why) => write!(f, "Multicard did not answer: {why}"),
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

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::unavailable(failure.to_string())
    }
}

/// The `data` of an answer. Only a success that is whole is one, and only a refusal by a definite code, not from a
/// server in trouble, is one; whatever contradicts itself decides nothing.
pub(super) fn judge(status: u16, body: &[u8]) -> Result<Value, Failure> {
    let unknown = |why: &str| Err(Failure::Unknown(format!("HTTP {status}, {why}")));
    let Ok(Value::Object(mut envelope)) = serde_json::from_slice::<Value>(body) else {
        return unknown("no answer of Multicard's");
    };
    match envelope.get("success").and_then(Value::as_bool) {
        Some(true) if (200..300).contains(&status) => {
            Ok(envelope.remove("data").unwrap_or(Value::Null))
        }
        Some(true) => unknown("which contradicts its success"),
        Some(false) => {
            let code = envelope.get("error").and_then(|error| error.get("code"));
            let code = code.and_then(Value::as_str).and_then(code_of).unwrap_or("no code");
            if status < 500 && DEFINITE.contains(&code) {
                Err(Failure::Refused(code.to_owned()))
            } else if status < 500 && code == NOT_READY {
                Err(Failure::NotReady)
            } else {
                unknown(code)
            }
        }
        None => unknown("no answer of Multicard's"),
    }
}

fn code_of(text: &str) -> Option<&str> {
    let plain = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    (plain && !text.is_empty() && text.len() <= CODE_MAX).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn word(status: u16, body: &str) -> String {
        match judge(status, body.as_bytes()) {
            Ok(data) => format!("ok {data}"),
            Err(Failure::Refused(code)) => format!("refused {code}"),
            Err(Failure::NotSent(_)) => "not sent".to_owned(),
            Err(Failure::NotReady) => "not ready".to_owned(),
            Err(Failure::Unknown(_)) => "unknown".to_owned(),
        }
    }

    #[test]
    fn only_what_is_certain_is_taken_for_an_answer() {
        let refusal =
            |code: &str| json!({ "success": false, "error": { "code": code } }).to_string();
        assert_eq!(word(200, r#"{"success":true,"data":{"uuid":"a"}}"#), r#"ok {"uuid":"a"}"#);
        assert_eq!(word(201, r#"{"success":true}"#), "ok null");
        assert_eq!(word(200, &refusal("ERROR_CARD_NOT_FOUND")), "refused ERROR_CARD_NOT_FOUND");
        assert_eq!(word(400, &refusal("ERROR_FIELDS")), "refused ERROR_FIELDS");
        assert_eq!(word(400, &refusal("ERROR_TRANS_NOT_READY")), "not ready");
        for (status, body) in [
            (500, refusal("ERROR_FIELDS")),
            (502, String::new()),
            (200, String::new()),
            (200, "<html>".to_owned()),
            (200, "[]".to_owned()),
            (200, "{}".to_owned()),
            (200, r#"{"success":"true","data":{}}"#.to_owned()),
            (400, r#"{"success":true,"data":{}}"#.to_owned()),
            (200, refusal("ERROR_DEBIT_UNKNOWN")),
            (200, refusal("ERROR_CALLBACK_TIMEOUT")),
            (200, refusal("ERROR_UNKNOWN")),
            (503, refusal("ERROR_TRANS_NOT_READY")),
            (400, refusal("SOMETHING_NEW")),
            (404, "Not Found".to_owned()),
            (429, refusal("TOO_MANY")),
        ] {
            assert_eq!(word(status, &body), "unknown", "{status} {body}");
        }
    }

    #[test]
    fn what_multicard_writes_is_not_repeated() {
        let body = json!({ "success": false, "error": { "code": "card 8600533364098829", "details": "8600533364098829" } });
        let failure = judge(400, body.to_string().as_bytes()).expect_err("refused");
        assert!(!failure.to_string().contains("8600"), "{failure}");
        assert!(Failure::Refused("ERROR_NOT_FOUND".to_owned()).is_not_found());
        assert!(!Failure::Unknown("ERROR_NOT_FOUND".to_owned()).is_not_found());
    }
}
