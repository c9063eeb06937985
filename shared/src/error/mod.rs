//! One error type. Its code is stable and listed in the docs; its kind becomes an HTTP status in `api/src/error.rs`
//! and retry-or-give-up in `worker/src/executor.rs`.

mod code;

use std::error::Error as StdError;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use serde_json::Value;

use crate::language::{Language, Text};

pub use code::{Code, Kind};

/// What commands and queries return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The fact that says when to come back.
const RETRY_AFTER: &str = "retry_after";
/// The names of our own fields are shorter.
const FIELD_NAME_MAX: usize = 60;

/// What is wrong with one field.
#[derive(Clone, Debug)]
pub struct FieldIssue {
    /// The field's path in the body or its name in the query.
    pub field: String,
    /// The sentence.
    pub text: Text,
    /// What fills the sentence's `{}`.
    pub value: String,
}

/// A failure with its stable code, what a client may know, and what only the log may know.
#[derive(Debug)]
pub struct Error {
    code: Code,
    fields: Vec<FieldIssue>,
    facts: Vec<(&'static str, Value)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure of this code.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self { code, fields: Vec::new(), facts: Vec::new(), source: None }
    }

    /// Our fault, with its cause for the log.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(cause.into()), ..Self::new(Code::InternalError) }
    }

    /// Something outside did not answer, with its cause for the log.
    #[must_use]
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(cause.into()), ..Self::new(Code::ServiceUnavailable) }
    }

    /// One field is wrong.
    #[must_use]
    pub fn field(field: impl Into<String>, text: Text) -> Self {
        Self::new(Code::ValidationError).and_field(field, text, "")
    }

    /// The state does not allow the action.
    #[must_use]
    pub fn invalid_state(status: &'static str) -> Self {
        Self::new(Code::InvalidState).fact("status", status.into())
    }

    /// Adds a wrong field.
    #[must_use]
    pub fn and_field(
        mut self,
        field: impl Into<String>,
        text: Text,
        value: impl Into<String>,
    ) -> Self {
        self.fields.push(FieldIssue { field: field.into(), text, value: value.into() });
        self
    }

    /// Adds a fact a client may use, such as the current status.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: Value) -> Self {
        self.facts.push((name, value));
        self
    }

    /// The same, to be asked again after so many seconds.
    #[must_use]
    pub fn after(self, seconds: u64) -> Self {
        self.fact(RETRY_AFTER, seconds.into())
    }

    /// After how many seconds it may be asked again.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        let (_, seconds) = self.facts.iter().find(|(name, _)| *name == RETRY_AFTER)?;
        seconds.as_u64()
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The kind of the code.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.code.kind()
    }

    /// The names of the wrong fields, cut short where a caller has made them up.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|issue| {
            let end = issue.field.char_indices().nth(FIELD_NAME_MAX).map(|(at, _)| at);
            end.and_then(|end| issue.field.get(..end)).unwrap_or(&issue.field)
        })
    }

    /// What the client is told beyond the code: wrong fields with their sentences, and facts.
    #[must_use]
    pub fn details(&self, language: Language) -> Value {
        let mut details = serde_json::Map::new();
        for issue in &self.fields {
            let sentence = Value::String(issue.text.with(language, &issue.value));
            if let Value::Array(sentences) =
                details.entry(issue.field.clone()).or_insert_with(|| Value::Array(Vec::new()))
            {
                sentences.push(sentence);
            }
        }
        details.extend(self.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Value::Object(details)
    }

    /// The causes, outermost first, for the log only.
    #[must_use]
    pub fn causes(&self) -> String {
        let mut text = self.code.as_str().to_owned();
        for issue in &self.fields {
            text.push_str(&format!(
                " [{}: {}]",
                issue.field,
                issue.text.with(Language::En, &issue.value)
            ));
        }
        let mut cause = self.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code.as_str())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<DieselError> for Error {
    /// A database error by what it means. Named constraints become the client's error where they fire:
    /// see [`OnConstraint`].
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "diesel's enums grow, and what we do not know is our fault"
    )]
    fn from(error: DieselError) -> Self {
        let code = match &error {
            DieselError::NotFound => Code::NotFound,
            DieselError::DatabaseError(kind, info) => match kind {
                DatabaseErrorKind::CheckViolation
                    if info.constraint_name() == Some("no_overdraft") =>
                {
                    Code::InsufficientFunds
                }
                DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => {
                    Code::ServiceUnavailable
                }
                DatabaseErrorKind::SerializationFailure => Code::Busy,
                _ if is_frozen(info.message()) => Code::AccountFrozen,
                _ if is_contention(info.message()) => Code::Busy,
                _ if is_shutdown(info.message()) => Code::ServiceUnavailable,
                _ => Code::InternalError,
            },
            DieselError::BrokenTransactionManager => Code::ServiceUnavailable,
            _ => Code::InternalError,
        };
        Self { source: Some(Box::new(error)), ..Self::new(code) }
    }
}

/// A lock or a statement that took too long, or a deadlock: nothing happened, the caller may try again.
/// (The driver keeps the SQLSTATE to itself, so the English message decides; the servers run with it.)
fn is_contention(message: &str) -> bool {
    message.contains("lock timeout")
        || message.contains("statement timeout")
        || message.contains("deadlock detected")
}

/// `ledger.post` would not take from an account that staff froze.
fn is_frozen(message: &str) -> bool {
    message.starts_with("frozen account ")
}

/// The server is going away or coming up.
fn is_shutdown(message: &str) -> bool {
    message.contains("terminating connection") || message.contains("the database system is")
}

/// Turns a named constraint into the client's error.
pub trait OnConstraint<T> {
    /// When `name` refused the write, the failure is `error()`; any other failure stays what it is.
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T>;
}

impl<T> OnConstraint<T> for std::result::Result<T, DieselError> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T> {
        match self {
            Err(DieselError::DatabaseError(_, info)) if info.constraint_name() == Some(name) => {
                Err(error())
            }
            other => other.map_err(Error::from),
        }
    }
}

impl<T> OnConstraint<T> for Result<T> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(|failure| {
            let violated = failure.source.as_deref().and_then(|source| source.downcast_ref::<DieselError>()).is_some_and(
                |source| matches!(source, DieselError::DatabaseError(_, info) if info.constraint_name() == Some(name)),
            );
            if violated { error() } else { failure }
        })
    }
}

/// Sentences about fields, shared by every body and query.
pub mod texts {
    use crate::language::Text;

    /// The field must be there.
    pub const REQUIRED: Text =
        Text::new("Bu maydon majburiy.", "Это поле обязательно.", "This field is required.");
    /// No such field.
    pub const UNKNOWN: Text = Text::new("Noma'lum maydon.", "Неизвестное поле.", "Unknown field.");
    /// The field has the wrong type or form.
    pub const WRONG_TYPE: Text = Text::new(
        "Qiymat noto'g'ri: {}.",
        "Некорректное значение: {}.",
        "The value is not valid: {}.",
    );
    /// The value is not valid.
    pub const INVALID: Text =
        Text::new("Qiymat noto'g'ri.", "Некорректное значение.", "The value is not valid.");
    /// Shorter than allowed.
    pub const TOO_SHORT: Text = Text::new(
        "Kamida {} ta belgi bo'lishi kerak.",
        "Минимальная длина — {} символов.",
        "At least {} characters.",
    );
    /// Longer than allowed.
    pub const TOO_LONG: Text = Text::new(
        "Ko'pi bilan {} ta belgi.",
        "Максимальная длина — {} символов.",
        "At most {} characters.",
    );
    /// Less than allowed.
    pub const TOO_SMALL: Text = Text::new(
        "Qiymat {} dan kichik bo'lmasligi kerak.",
        "Значение должно быть не меньше {}.",
        "At least {}.",
    );
    /// More than allowed.
    pub const TOO_LARGE: Text = Text::new(
        "Qiymat {} dan katta bo'lmasligi kerak.",
        "Значение должно быть не больше {}.",
        "At most {}.",
    );
    /// One of a list.
    pub const CHOICES: Text =
        Text::new("Ruxsat etilgan qiymatlar: {}.", "Допустимые значения: {}.", "One of: {}.");
    /// Not an e-mail address.
    pub const EMAIL: Text =
        Text::new("Email manzili noto'g'ri.", "Некорректный email.", "Not an e-mail address.");
    /// Not an Uzbek phone number.
    pub const PHONE: Text = Text::new(
        "Telefon raqami +998XXXXXXXXX ko'rinishida bo'lsin.",
        "Номер телефона в формате +998XXXXXXXXX.",
        "The phone number must look like +998XXXXXXXXX.",
    );
    /// NUL and other control characters.
    pub const CONTROL: Text = Text::new(
        "Taqiqlangan belgilar bor.",
        "Содержит недопустимые символы.",
        "Contains characters that are not allowed.",
    );
    /// An amount of money.
    pub const MONEY: Text = Text::new(
        "Summa: ko'pi bilan ikki kasr raqamli musbat son.",
        "Сумма: положительное число, не более двух знаков после запятой.",
        "An amount: a positive number with at most two decimals.",
    );
    /// Must be a text.
    pub const STRING: Text =
        Text::new("Matn bo'lishi kerak.", "Должна быть строка.", "Must be a text.");
    /// Must be a whole number.
    pub const INTEGER: Text = Text::new(
        "Butun son bo'lishi kerak.",
        "Должно быть целое число.",
        "Must be a whole number.",
    );
    /// Must be true or false.
    pub const BOOLEAN: Text = Text::new(
        "true yoki false bo'lishi kerak.",
        "Должно быть true или false.",
        "Must be true or false.",
    );
    /// Must be a list.
    pub const LIST: Text =
        Text::new("Ro'yxat bo'lishi kerak.", "Должен быть список.", "Must be a list.");
    /// Must be an object.
    pub const OBJECT: Text =
        Text::new("Obyekt bo'lishi kerak.", "Должен быть объект.", "Must be an object.");
    /// The same name twice.
    pub const TWICE: Text = Text::new(
        "Maydon ikki marta berilgan.",
        "Поле указано дважды.",
        "The field is given twice.",
    );
    /// A moment.
    pub const MOMENT: Text = Text::new(
        "Vaqt 2026-11-25T10:00:00Z ko'rinishida bo'lsin.",
        "Время в виде 2026-11-25T10:00:00Z.",
        "A time such as 2026-11-25T10:00:00Z.",
    );
    /// A day or a moment.
    pub const DAY: Text = Text::new(
        "Kun 2026-11-25 yoki vaqt 2026-11-25T10:00:00Z ko'rinishida bo'lsin.",
        "День в виде 2026-11-25 или время 2026-11-25T10:00:00Z.",
        "A day such as 2026-11-25, or a time such as 2026-11-25T10:00:00Z.",
    );
    /// An exact length.
    pub const LENGTH: Text = Text::new(
        "Aynan {} ta belgi bo'lishi kerak.",
        "Длина должна быть {} символов.",
        "Exactly {} characters.",
    );
    /// A payment method without an adapter.
    pub const NOT_AVAILABLE_YET: Text = Text::new(
        "Bu to'lov usuli hali ishlamaydi.",
        "Этот способ оплаты пока недоступен.",
        "This payment method is not available yet.",
    );
}
