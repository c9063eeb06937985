//! What operators see of arguments: ids and facts, never what opens an account or names a person.

use serde_json::Value;

/// What stands for a value that is not shown.
const MASKED: &str = "***";

/// A name that holds one of these, whatever its case and punctuation, names a secret.
const SECRETS: [&str; 22] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "apikey",
    "privatekey",
    "authorization",
    "cookie",
    "session",
    "signature",
    "card",
    "cvv",
    "cvc",
    "iban",
    "otp",
    "passport",
    "email",
    "phone",
    "address",
    "login",
];

/// A name that is one of these does.
const SECRETS_WHOLE: [&str; 5] = ["pan", "pin", "code", "pwd", "key"];

/// Arguments without their secrets: whatever stands under a name that names one, or that the kind declares, and every
/// text that looks like an address, a card number or a token. What ends in `_id` names a row and is shown.
pub(super) fn mask(value: &Value, declared: &[&str]) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let hidden = !value.is_null()
                    && (declared.contains(&name.as_str())
                        || (is_secret(name) && !is_id(name, value)));
                (name.clone(), if hidden { Value::from(MASKED) } else { mask(value, declared) })
            })
            .collect(),
        Value::Array(items) => items.iter().map(|item| mask(item, declared)).collect(),
        Value::String(text) if looks_secret(text) => Value::from(MASKED),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => value.clone(),
    }
}

fn is_secret(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    SECRETS.iter().any(|secret| plain.contains(secret)) || SECRETS_WHOLE.contains(&plain.as_str())
}

/// An id under a name that says so: a number or a UUID, which opens nothing.
fn is_id(name: &str, value: &Value) -> bool {
    let named = name.ends_with("_id") || name.ends_with("Id");
    named
        && match value {
            Value::Number(_) => true,
            Value::String(text) => uuid::Uuid::parse_str(text).is_ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        }
}

fn looks_secret(text: &str) -> bool {
    let text = text.trim();
    is_address(text) || is_card(text) || is_signed_token(text)
}

fn is_address(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';')).any(|word| {
        word.split_once('@').is_some_and(|(who, host)| !who.is_empty() && host.contains('.'))
    })
}

/// 13 to 19 digits, spaced or not, whose check digit fits.
fn is_card(text: &str) -> bool {
    let digits: Option<Vec<u32>> =
        text.chars().filter(|c| !matches!(c, ' ' | '-')).map(|c| c.to_digit(10)).collect();
    digits.is_some_and(|digits| {
        let sum: u32 = digits
            .iter()
            .rev()
            .enumerate()
            .map(|(place, digit)| match (place % 2, digit * 2) {
                (0, _) => *digit,
                (_, double) if double > 9 => double - 9,
                (_, double) => double,
            })
            .sum();
        (13..=19).contains(&digits.len()) && sum.is_multiple_of(10)
    })
}

/// A JWT, or a bearer's header with one.
fn is_signed_token(text: &str) -> bool {
    let token = text.strip_prefix("Bearer ").unwrap_or(text);
    token.starts_with("eyJ") && token.matches('.').count() == 2
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_is_named_like_a_secret_is_hidden_wherever_it_stands() {
        for name in [
            "password",
            "new_password",
            "Password",
            "account-password",
            "refreshToken",
            "API_KEY",
            "client_secret",
            "card_number",
            "cardNumber",
            "cvv",
            "pin",
            "pan",
            "otp",
            "sms_otp",
            "email",
            "account_email",
            "phone_number",
            "login",
            "passport_series",
            "sessionCookie",
        ] {
            for value in [json!("x1-y2"), json!(8600), json!(["a"]), json!({ "a": 1 }), json!(true)]
            {
                assert_eq!(mask(&json!({ name: value }), &[]), json!({ name: "***" }), "{name}");
            }
            let deep = json!({ "list": [{ "inner": { name: "hunter2" } }] });
            assert!(!mask(&deep, &[]).to_string().contains("hunter2"), "{name}");
        }
    }

    #[test]
    fn ids_and_facts_are_shown() {
        let args = json!({
            "user_id": "0193e5a4-7c1e-7000-8000-000000000001", "email_token_id": "0193e5a4-7c1e-7000-8000-000000000002",
            "session_id": 17, "kind": "weekly", "company": "Acme", "panel": 3, "amount": "100000.00", "password": null,
            "codes": 4, "day": "2026-11-25", "keys": [1, 2],
        });
        assert_eq!(mask(&args, &[]), args);
        let not_an_id = json!({ "token_id": "s3cret" });
        assert_eq!(mask(&not_an_id, &[]), json!({ "token_id": "***" }));
    }

    #[test]
    fn a_kind_declares_what_no_name_gives_away() {
        let args = json!({ "note": "the cat's name", "inner": { "note": 5 }, "other": "x" });
        assert_eq!(
            mask(&args, &["note"]),
            json!({ "note": "***", "inner": { "note": "***" }, "other": "x" })
        );
    }

    #[test]
    fn a_text_that_looks_like_a_secret_is_one_under_any_name() {
        for text in [
            "ali@example.uz",
            "Ali <ali@example.uz>",
            "8600 0000 0000 0007",
            "4111-1111-1111-1111",
            "4111111111111111",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        ] {
            assert_eq!(mask(&json!({ "to": [text] }), &[]), json!({ "to": ["***"] }), "{text}");
        }
        for text in ["@", "a@b", "4111111111111112", "12345678", "eyJ", "2026-11-25T10:00:00Z", ""]
        {
            assert_eq!(mask(&json!({ "to": text }), &[]), json!({ "to": text }), "{text}");
        }
    }
}
