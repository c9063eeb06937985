//! Why Multicard refuses, in its own envelope.

use salvo::http::StatusCode;
use serde_json::{Value, json};

/// A refusal; nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// Multicard's code, such as `ERROR_FIELDS`.
    pub code: String,
    /// For people.
    pub details: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &str, details: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), details: details.into() }
    }

    /// A field is missing or wrong.
    pub(crate) fn fields(details: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ERROR_FIELDS", details)
    }

    /// There is no such thing.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "ERROR_NOT_FOUND", "Объект не найден")
    }

    /// It is too late, or too early.
    pub(crate) fn not_ready() -> Self {
        let details = "Транзакция завершена или не готова";
        Self::new(StatusCode::BAD_REQUEST, "ERROR_TRANS_NOT_READY", details)
    }

    /// No such card.
    pub(crate) fn card() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ERROR_CARD_NOT_FOUND", "Неверные данные карты")
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Value {
        json!({ "success": false, "error": { "code": self.code, "details": self.details } })
    }
}
