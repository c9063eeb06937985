//! What leaves the platform is looked through once more: addresses, numbers of people and cards, tokens and passwords are
//! taken out of every text, whoever put them there.

use sentry::protocol::{Context, Event, User, Value};
use uuid::Uuid;

/// What stands for something that is nobody's business.
const HIDDEN: &str = "[hidden]";
/// Fields by whose name it is known.
const SECRETS: [&str; 16] = [
    "password",
    "passwd",
    "secret",
    "token",
    "authorization",
    "cookie",
    "credential",
    "otp",
    "pin",
    "card",
    "pan",
    "cvv",
    "phone",
    "email",
    "api_key",
    "session_key",
];
/// A phone number has nine digits without its country, a card sixteen.
const DIGITS_MIN: usize = 9;
/// Tokens and hashes are longer than names.
const TOKEN_MIN: usize = 24;

/// An event without secrets: of a person the id, of a request nothing.
pub(super) fn scrub(mut event: Event<'static>) -> Event<'static> {
    event.request = None;
    event.user = event.user.map(|user| User { id: user.id, ..User::default() });
    event.breadcrumbs.values.clear();
    let texts = event.message.iter_mut().chain(event.culprit.iter_mut());
    texts.for_each(|text| *text = clean(text));
    if let Some(entry) = &mut event.logentry {
        entry.message = clean(&entry.message);
        entry.params.iter_mut().for_each(clean_value);
    }
    for exception in &mut event.exception.values {
        exception.value = exception.value.as_deref().map(clean);
    }
    for (name, value) in &mut event.extra {
        clean_field(name, value);
    }
    for context in event.contexts.values_mut() {
        if let Context::Other(fields) = context {
            for (name, value) in fields {
                clean_field(name, value);
            }
        }
    }
    event
}

fn clean_field(name: &str, value: &mut Value) {
    if is_secret(name) { *value = HIDDEN.into() } else { clean_value(value) }
}

fn clean_value(value: &mut Value) {
    match value {
        Value::String(text) => *text = clean(text),
        Value::Array(values) => values.iter_mut().for_each(clean_value),
        Value::Object(fields) => {
            for (name, value) in fields {
                clean_field(name, value);
            }
        }
        Value::Number(number) if number.to_string().len() >= DIGITS_MIN => *value = HIDDEN.into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a field of this name holds a secret: one of its words says so.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRETS.iter().any(|secret| match name.find(secret) {
        // Short names hide in longer words: `pan` in `company`.
        Some(_) if secret.len() < 5 => name.split('_').any(|word| word == *secret),
        found => found.is_some(),
    })
}

/// A text without secrets.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut word = String::new();
    let mut after_scheme = false;
    for c in text.chars().chain(['\n']) {
        if is_boundary(c) {
            if !word.is_empty() {
                let scheme = ["bearer", "basic"].iter().any(|name| word.eq_ignore_ascii_case(name));
                if after_scheme {
                    cleaned.push_str(HIDDEN);
                } else {
                    cleaned.push_str(&word_without_secrets(&word));
                }
                after_scheme = scheme;
                word.clear();
            }
            cleaned.push(c);
        } else {
            word.push(c);
        }
    }
    cleaned.pop();
    numbers_hidden(&cleaned)
}

fn is_boundary(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"'`,;()[]{}<>".contains(c)
}

fn word_without_secrets(word: &str) -> String {
    // The halves of a password's hash, which has commas and equals signs in it.
    if word.matches('$').count() > 1 {
        return HIDDEN.to_owned();
    }
    // Nothing is known about a query but that it may hold anything.
    if let Some((before, query)) = word.split_once('?') {
        let query = if query.is_empty() { "" } else { HIDDEN };
        return format!("{}?{query}", word_without_secrets(before));
    }
    if let Some((name, value)) = word.split_once('=') {
        let value = if is_secret(name) && !value.is_empty() {
            HIDDEN.to_owned()
        } else {
            word_without_secrets(value)
        };
        return format!("{name}={value}");
    }
    if is_address(word) || is_token(word) { HIDDEN.to_owned() } else { word.to_owned() }
}

/// An e-mail address, or a URL with somebody's name in it.
fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// A JWT, a refresh token, a hash, a key: long, of the letters of base64 and hex, and no name or path that somebody can read.
fn is_token(word: &str) -> bool {
    if word.starts_with("eyJ") && word.contains('.') {
        return true;
    }
    let opaque = |c: char| c.is_ascii_alphanumeric() || "-_+/=.".contains(c);
    let has = |kind: fn(&char) -> bool| word.chars().any(|c| kind(&c));
    let mixed = has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
    word.len() >= TOKEN_MIN
        && word.chars().all(opaque)
        && has(char::is_ascii_digit)
        && (mixed || word.chars().all(|c| c.is_ascii_hexdigit()))
        && Uuid::try_parse(word).is_err()
}

/// The text without numbers that could be somebody's phone or card: nine digits or more, blanks and hyphens between them or
/// not. Ids stay.
fn numbers_hidden(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let id = rest.get(..36).filter(|id| Uuid::try_parse(id).is_ok());
        let inside = cleaned.ends_with(|c: char| c.is_ascii_alphanumeric());
        let taken = match id {
            Some(id) if !inside => {
                cleaned.push_str(id);
                id.len()
            }
            Some(_) | None if first.is_ascii_digit() => {
                let number = number_at(rest);
                let digits = number.chars().filter(char::is_ascii_digit).count();
                cleaned.push_str(if digits >= DIGITS_MIN { HIDDEN } else { number });
                number.len()
            }
            Some(_) | None => {
                cleaned.push(first);
                first.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    cleaned
}

/// The digits that a text begins with, with single blanks and hyphens between them.
fn number_at(text: &str) -> &str {
    let mut end = 0;
    let mut gap = false;
    for (at, c) in text.char_indices() {
        if c.is_ascii_digit() {
            (end, gap) = (at + 1, false);
        } else if gap || !(c == ' ' || c == '-') {
            break;
        } else {
            gap = true;
        }
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sentry::protocol::Request;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_nobodys_business_is_taken_out() {
        for (text, cleaned) in [
            ("no account for ali.valiyev+1@example.uz.", "no account for [hidden]"),
            (
                "Key (email)=(ali@example.uz) already exists",
                "Key (email)=([hidden]) already exists",
            ),
            ("call +998 90 123-45-67 now", "call +[hidden] now"),
            ("phone=998901234567", "phone=[hidden]"),
            ("card 8600 5333 6409 8829, holder", "card [hidden], holder"),
            ("8600533364098829", "[hidden]"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer [hidden]"),
            ("basic dXNlcjpwYXNz", "basic [hidden]"),
            ("password=hunter2 retry=3", "password=[hidden] retry=3"),
            (
                "GET https://api.uz/verify?token=abc&next=/ failed",
                "GET https://api.uz/verify?[hidden] failed",
            ),
            ("postgresql://wibe:secret@db:5432/wibe", "[hidden]"),
            ("token eyJhbGciOi.eyJzdWIi.sig", "token [hidden]"),
            ("hash $argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "hash [hidden],t=2,[hidden]"),
            ("key 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c", "key [hidden]"),
        ] {
            assert_eq!(clean(text), cleaned);
        }
    }

    #[test]
    fn what_helps_to_find_a_bug_stays() {
        for text in [
            "relation \"sessions\" does not exist",
            "job release_escrow_payment of 0199a3b4-1234-7123-8123-123456789012 is dead",
            "timed out after 15s; attempt 3 of 5",
            "shared/src/escrow/release.rs:41: called `Option::expect()` on a `None` value",
            "what? nothing",
            "posting escrow_settle:0199a3b4-1234-7123-8123-123456789012 amount=150000.00",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn of_a_request_and_a_person_only_the_id_is_left() {
        let fields = json!({
            "user": "0199a3b4-1234-7123-8123-123456789012", "email": "a@b.uz", "card_number": 8_600, "company": "x",
            "deep": [{ "refresh_token": "abc", "note": "write to a@b.uz" }], "number": 998_901_234_567_u64,
        });
        let fields: BTreeMap<String, Value> = serde_json::from_value(fields).expect("fields");
        let event = Event {
            message: Some("of a@b.uz".to_owned()),
            user: Some(User {
                id: Some("7".to_owned()),
                email: Some("a@b.uz".to_owned()),
                ip_address: Some("10.0.0.1".parse().expect("an address")),
                ..User::default()
            }),
            request: Some(Request {
                query_string: Some("token=abc".to_owned()),
                ..Request::default()
            }),
            contexts: BTreeMap::from([("fields".to_owned(), Context::Other(fields))]),
            ..Event::default()
        };
        let event = scrub(event);
        assert_eq!(event.user, Some(User { id: Some("7".to_owned()), ..User::default() }));
        assert!(event.request.is_none());
        let left = serde_json::to_value(&event).expect("JSON");
        assert_eq!(
            *left.pointer("/contexts/fields").expect("the fields"),
            json!({
                "user": "0199a3b4-1234-7123-8123-123456789012", "email": HIDDEN, "card_number": HIDDEN, "company": "x",
                "deep": [{ "refresh_token": HIDDEN, "note": "write to [hidden]" }], "number": HIDDEN, "type": "unknown",
            })
        );
        assert_eq!(event.message.as_deref(), Some("of [hidden]"));
    }
}
