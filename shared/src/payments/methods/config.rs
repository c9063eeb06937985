//! What a method's config may hold: anything small that is no secret. Secrets live in the settings of the processes; a row
//! is in every backup, and on every screen of the staff.

use serde_json::Value;

use crate::language::Text;

/// The largest config, bytes of JSON.
const BYTES_MAX: usize = 4_096;
/// A text without spaces that is this long and mixes letters and digits is a key, until shown otherwise.
const KEY_MIN: usize = 32;
/// The digits of a card's number.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Names of secrets, wherever they stand in a name.
const SECRET_NAMES: [&str; 12] = [
    "secret",
    "password",
    "passwd",
    "parol",
    "pwd",
    "token",
    "apikey",
    "credential",
    "private",
    "signature",
    "authorization",
    "bearer",
];
/// Names of secrets that are words of their own.
const SECRET_WORDS: [&str; 6] = ["key", "keys", "pass", "pin", "cvv", "cvc"];
/// How values begin that are secrets.
const SECRET_STARTS: [&str; 4] = ["basic ", "bearer ", "-----begin", "eyj"];

const OBJECT: Text = crate::error::texts::OBJECT;
const TOO_LARGE: Text = Text::new(
    "Sozlamalar ko'pi bilan {} bayt.",
    "Настройки — не более {} байт.",
    "A config has at most {} bytes.",
);
const SECRET: Text = Text::new(
    "Maxfiy ma'lumotga o'xshaydi; maxfiy kalitlar server sozlamalarida saqlanadi.",
    "Похоже на секрет; секреты хранятся в настройках сервера.",
    "This looks like a secret; secrets belong in the server's settings.",
);

/// Why a config is refused.
#[derive(Debug)]
pub(super) struct Problem {
    /// `config`, or the path of the offender in it.
    pub field: String,
    /// The sentence.
    pub text: Text,
    /// What fills it in.
    pub value: String,
}

/// Refuses what is no object, what is too large, and what looks like a secret.
pub(super) fn check(config: &Value) -> Result<(), Problem> {
    let problem = |field: &str, text, value: &str| Problem {
        field: field.to_owned(),
        text,
        value: value.to_owned(),
    };
    if !config.is_object() {
        return Err(problem("config", OBJECT, ""));
    }
    if config.to_string().len() > BYTES_MAX {
        return Err(problem("config", TOO_LARGE, &BYTES_MAX.to_string()));
    }
    match secret_in(config, "config") {
        Some(path) => Err(problem(&path, SECRET, "")),
        None => Ok(()),
    }
}

/// The path of the first member that looks like a secret.
fn secret_in(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let path = format!("{path}.{name}");
            if names_a_secret(name) || is_a_secret(name) {
                Some(path)
            } else {
                secret_in(value, &path)
            }
        }),
        Value::Array(items) => items.iter().find_map(|item| secret_in(item, path)),
        Value::String(text) => is_a_secret(text).then(|| path.to_owned()),
        Value::Number(number) => is_a_card(&number.to_string()).then(|| path.to_owned()),
        Value::Null | Value::Bool(_) => None,
    }
}

fn names_a_secret(name: &str) -> bool {
    let letters: String = name
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    SECRET_NAMES.iter().any(|secret| letters.contains(secret))
        || words(name).iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
}

/// The words of `snake_case`, `kebab-case` and `camelCase`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
        after_lower = letter.is_lowercase() || letter.is_numeric();
    }
    words
}

fn is_a_secret(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    SECRET_STARTS.iter().any(|start| lower.starts_with(start))
        || is_a_card(&lower)
        || has_userinfo(&lower)
        || lower.split_whitespace().any(is_a_key)
}

/// A long word of letters and digits. Addresses and UUIDs are long, and public.
fn is_a_key(word: &str) -> bool {
    word.chars().count() >= KEY_MIN
        && !word.contains("://")
        && uuid::Uuid::try_parse(word).is_err()
        && word.chars().any(char::is_numeric)
        && word.chars().any(char::is_alphabetic)
}

/// `scheme://user:password@host`.
fn has_userinfo(text: &str) -> bool {
    text.split_once("://")
        .and_then(|(_scheme, rest)| rest.split(['/', '?', '#']).next())
        .is_some_and(|authority| authority.contains('@'))
}

/// A card's number, spaces or not, that Luhn's sum agrees with.
fn is_a_card(text: &str) -> bool {
    let bare: String = text.chars().filter(|letter| !matches!(letter, ' ' | '-')).collect();
    let digits: Option<Vec<u32>> = bare.chars().map(|letter| letter.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| CARD_DIGITS.contains(&digits.len())) else {
        return false;
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([false, true].into_iter().cycle())
        .map(|(digit, doubled)| match (*digit, doubled) {
            (digit, false) => digit,
            (digit, true) if digit > 4 => digit * 2 - 9,
            (digit, true) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;

    #[test]
    fn notes_are_kept() {
        for good in [
            json!({}),
            json!({ "merchant_id": "decafbad0000000000000001", "service_id": 30001, "sort": 1.5 }),
            json!({ "commission": "1.5 %", "keyboard": true, "passport_needed": false, "spinner": 1 }),
            json!({ "help": { "uz": "https://paynet.uz/yordam/0123456789/0123456789/0123456789", "phones": ["+998711500000"] } }),
            json!({ "store": "3f6d1c9e-0d5d-4c1f-8a8e-2f7a0c1d2e3f", "note": null }),
            json!({ "hint": "To'lov 5 daqiqada tushadi, xavotir olmang va kuting, iltimos" }),
        ] {
            assert!(check(&good).is_ok(), "{good}: {:?}", check(&good));
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_refused_with_its_path() {
        for (bad, path) in [
            (json!({ "secret_key": "x" }), "config.secret_key"),
            (json!({ "a": [{ "apiKey": 1 }] }), "config.a.apiKey"),
            (json!({ "API-KEY": "x" }), "config.API-KEY"),
            (json!({ "key": "" }), "config.key"),
            (json!({ "merchantPassword": null }), "config.merchantPassword"),
            (json!({ "a": "Basic cGF5bmV0" }), "config.a"),
            (json!({ "a": "eyJhbGciOiJIUzI1NiJ9.e30.x" }), "config.a"),
            (json!({ "a": "-----BEGIN RSA PRIVATE KEY-----" }), "config.a"),
            (json!({ "a": "see TESTKEY0123456789abcdefghijklmnopqrs" }), "config.a"),
            (json!({ "a": "postgresql://wibe:secret@db/wibe" }), "config.a"),
            (json!({ "a": "8600 0000 0000 0007" }), "config.a"),
            (json!({ "a": 4_111_111_111_111_111_u64 }), "config.a"),
        ] {
            assert_eq!(
                check(&bad).err().map(|problem| problem.field).as_deref(),
                Some(path),
                "{bad}"
            );
        }
    }

    #[test]
    fn only_a_small_object_is_a_config() {
        for bad in
            [json!([]), json!("x"), json!(1), Value::Null, json!({ "a": "x ".repeat(4_000) })]
        {
            assert_eq!(check(&bad).err().map(|problem| problem.field).as_deref(), Some("config"));
        }
    }
}
