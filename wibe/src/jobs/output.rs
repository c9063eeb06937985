//! Two ways to say the same: tables for people, JSON for machines.

use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};
use shared::Error;
use shared::error::Kind;
use shared::language::Language;

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// People.
    Text,
    /// Machines: one document per line.
    Json,
}

impl Output {
    /// Says something, in the reader's way.
    pub(super) fn say(self, value: &impl Serialize, text: impl FnOnce() -> String) {
        match self {
            Self::Text => println!("{}", text()),
            Self::Json => match serde_json::to_string(value) {
                Ok(line) => println!("{line}"),
                Err(error) => eprintln!("wibe: cannot be written as JSON: {error}"),
            },
        }
    }

    /// Says that something was refused: machines read the API's envelope.
    pub(super) fn refuse(self, what: &str, error: &Error) -> ExitCode {
        match self {
            Self::Text => eprintln!("{what}: {}", sentence(error)),
            Self::Json => println!("{}", envelope(error)),
        }
        ExitCode::FAILURE
    }
}

/// A failure as the API answers it.
fn envelope(error: &Error) -> Value {
    let code = error.code();
    json!({
        "success": false,
        "error": {
            "code": code.as_str(),
            "message": code.message().get(Language::En),
            "details": error.details(Language::En),
        },
    })
}

/// A failure in one line: our own with its causes, a refusal with its hints and facts.
fn sentence(error: &Error) -> String {
    match error.kind() {
        Kind::Internal | Kind::Unavailable => return error.causes(),
        Kind::Invalid
        | Kind::Unauthenticated
        | Kind::PaymentRequired
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::MethodNotAllowed
        | Kind::Conflict
        | Kind::TooLarge
        | Kind::Unsupported
        | Kind::Unprocessable
        | Kind::TooMany => {}
    }
    let mut sentence = error.code().message().get(Language::En).to_owned();
    let Value::Object(details) = error.details(Language::En) else { return sentence };
    for (name, value) in &details {
        let text = match value {
            Value::Array(sentences) => {
                sentences.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
            }
            Value::String(text) => text.clone(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
        };
        if name == "hint" {
            sentence.push_str(&format!(" {text}"));
        } else {
            sentence.push_str(&format!(" [{}: {text}]", name.replace('_', " ")));
        }
    }
    sentence
}

#[cfg(test)]
mod tests {
    use shared::Code;
    use shared::error::texts;

    use super::*;

    #[test]
    fn a_refusal_is_one_line_with_its_hints_and_facts() {
        let refused = Error::invalid_state("done")
            .and_field("hint", texts::INVALID, "")
            .fact("live_job", 17.into());
        assert_eq!(
            sentence(&refused),
            "The current state does not allow this. The value is not valid. [live job: 17] [status: done]"
        );
        assert_eq!(sentence(&Code::NotFound.into()), "Not found.");
        assert_eq!(sentence(&Error::unavailable("no route")), "SERVICE_UNAVAILABLE: no route");
        assert_eq!(envelope(&refused).pointer("/error/details/live_job"), Some(&json!(17)));
    }
}
