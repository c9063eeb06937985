//! Serde's and the validator's words, in the platform's: a field and a sentence in three languages.

use std::collections::BTreeSet;

use salvo::oapi::ToSchema;
use serde_json::Value;
use serde_path_to_error::Error as PathError;
use shared::Error;
use shared::error::texts;
use shared::language::Text;
use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use super::{PROBLEMS_MAX, shortened, wrong};
use crate::extract::schema::fields_of;

/// The error for a body that does not fit its type: every unknown and every missing field, or the field whose
/// value does not fit. Serde stops at the first, so the names are compared with the type's schema.
pub(super) fn unreadable<T: ToSchema>(
    error: &PathError<serde_json::Error>,
    names: &BTreeSet<String>,
) -> Error {
    let fields = fields_of::<T>();
    let unknown = names.difference(&fields.known).take(PROBLEMS_MAX);
    let unknown = unknown.map(|name| (shortened(name).into_owned(), texts::UNKNOWN));
    let missing = fields.required.difference(names).map(|name| (name.clone(), texts::REQUIRED));
    let mut problems: Vec<(String, Text)> = unknown.chain(missing).collect();
    let (path, text, value) = first(error);
    let mut wrong = wrong();
    let told = problems.iter().any(|(name, _)| *name == path);
    let unknown = text == texts::UNKNOWN && problems.len() >= PROBLEMS_MAX;
    if !told && !unknown {
        wrong = wrong.and_field(path, text, value);
    }
    problems.drain(..).fold(wrong, |wrong, (name, text)| wrong.and_field(name, text, ""))
}

/// What serde stopped at.
fn first(error: &PathError<serde_json::Error>) -> (String, Text, String) {
    let message = error.inner().to_string();
    let path = match error.path().to_string() {
        path if path == "." => None,
        path => Some(path),
    };
    // A missing field is reported at the object that lacks it, an unknown one at itself.
    if let Some(name) = quoted_after(&message, "missing field `") {
        let path = path.map_or_else(|| name.to_owned(), |path| format!("{path}.{name}"));
        return (path, texts::REQUIRED, String::new());
    }
    let path = path.unwrap_or_else(|| "body".to_owned());
    if message.starts_with("unknown field") {
        return (path, texts::UNKNOWN, String::new());
    }
    if message.starts_with("unknown variant") {
        // The last: what comes before it is the caller's.
        let choices = message.rsplit_once("expected ").map_or("", |(_, choices)| choices);
        let choices: Vec<&str> = choices.split('`').skip(1).step_by(2).collect();
        return (path, texts::CHOICES, choices.join(", "));
    }
    (path, expected(&message), String::new())
}

/// The sentence for what a value should have been. The value itself is never repeated: it may be a secret.
fn expected(message: &str) -> Text {
    let expected = message.rsplit_once("expected ").map_or("", |(_, expected)| expected);
    let expected = expected.split(" at line ").next().unwrap_or_default();
    match expected {
        "an amount with at most two decimals" => texts::MONEY,
        "a string" | "string" | "a borrowed string" | "a character" => texts::STRING,
        "a boolean" => texts::BOOLEAN,
        "a sequence" => texts::LIST,
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" | "isize" => {
            texts::INTEGER
        }
        text if text.starts_with("struct ") || text == "a map" => texts::OBJECT,
        _ => texts::INVALID,
    }
}

fn quoted_after<'m>(message: &'m str, start: &str) -> Option<&'m str> {
    message.strip_prefix(start)?.split('`').next()
}

/// The error for a body that breaks its own rules.
pub(super) fn invalid(errors: &ValidationErrors) -> Error {
    let mut found = Vec::new();
    collect("", errors, &mut found);
    found.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    found.truncate(PROBLEMS_MAX);
    found.into_iter().fold(wrong(), |wrong, (path, text, value)| wrong.and_field(path, text, value))
}

fn collect(prefix: &str, errors: &ValidationErrors, found: &mut Vec<(String, Text, String)>) {
    for (name, kind) in errors.errors() {
        // A rule about the whole struct is reported under a made-up name.
        let name = if name == "__all__" { "body" } else { name };
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        match kind {
            ValidationErrorsKind::Field(rules) => found.extend(rules.iter().map(|rule| {
                let (text, value) = sentence(rule);
                (path.clone(), text, value)
            })),
            ValidationErrorsKind::Struct(inner) => collect(&path, inner, found),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(&format!("{path}[{index}]"), inner, found);
                }
            }
        }
    }
}

/// The sentence of a broken rule, and the limit it speaks of. A custom rule's code picks its sentence.
fn sentence(rule: &ValidationError) -> (Text, String) {
    let limit = |name: &str| rule.params.get(name).map(plain).unwrap_or_default();
    let has = |name: &str| rule.params.contains_key(name);
    match rule.code.as_ref() {
        "length" if has("equal") => (texts::LENGTH, limit("equal")),
        "length" if too_short(rule) => (texts::TOO_SHORT, limit("min")),
        "length" => (texts::TOO_LONG, limit("max")),
        "range" if below(rule) => (texts::TOO_SMALL, limit("min")),
        "range" => (texts::TOO_LARGE, limit("max")),
        "email" => (texts::EMAIL, String::new()),
        "phone" => (texts::PHONE, String::new()),
        "money" => (texts::MONEY, String::new()),
        "required" => (texts::REQUIRED, String::new()),
        _ => (texts::INVALID, String::new()),
    }
}

/// Whether a text or a list is shorter than its rule allows; with no upper limit it can only be that.
fn too_short(rule: &ValidationError) -> bool {
    let value = rule.params.get("value");
    let length = value.and_then(|value| {
        value.as_str().map(|text| text.chars().count()).or(value.as_array().map(Vec::len))
    });
    let min =
        rule.params.get("min").and_then(Value::as_u64).and_then(|min| usize::try_from(min).ok());
    match (length, min) {
        (Some(length), Some(min)) => length < min,
        (None, min) => min.is_some(),
        (Some(_), None) => false,
    }
}

/// Whether a number is below what its rule allows.
fn below(rule: &ValidationError) -> bool {
    let number = |name: &str| {
        rule.params
            .get(name)
            .and_then(Value::as_number)
            .and_then(|number| number.to_string().parse::<i128>().ok())
    };
    match (number("value"), number("min")) {
        (Some(value), Some(min)) => value < min,
        (_, min) => min.is_some() && !rule.params.contains_key("max"),
    }
}

/// A limit without quotes or a needless fraction.
fn plain(limit: &Value) -> String {
    let text = limit.to_string();
    text.trim_matches('"').trim_end_matches(".0").to_owned()
}
