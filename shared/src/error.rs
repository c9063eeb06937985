//! One error type. Its code is stable and listed in the docs; its kind becomes an HTTP status in `api/src/error.rs`
//! and retry-or-give-up in `worker/src/executor.rs`.

use std::error::Error as StdError;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use serde_json::Value;

use crate::language::{Language, Text};

/// What commands and queries return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault it is, and what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 400: the request does not say what it must.
    Invalid,
    /// 401: we do not know who is asking.
    Unauthenticated,
    /// 402: the balance is too small.
    PaymentRequired,
    /// 403: we know who is asking, and the answer is no.
    Forbidden,
    /// 404: it is not there, or not for this caller to see.
    NotFound,
    /// 405: the address exists, the method does not.
    MethodNotAllowed,
    /// 408: the request did not arrive in time.
    TooSlow,
    /// 409: the state forbids it.
    Conflict,
    /// 413: too many bytes.
    TooLarge,
    /// 415: content of a type that is not taken.
    Unsupported,
    /// 422: understood, and at odds with an earlier request.
    Unprocessable,
    /// 429: too often; `details.retry_after` says when to come back, in seconds.
    /// 429: too often; later it may be asked again.
    /// 429: too many requests.
    TooMany,
    /// 500: our fault.
    Internal,
    /// 503: our fault, and it passes.
    Unavailable,
}

macro_rules! codes {
    ($($(#[$meta:meta])* $variant:ident = $text:literal, $kind:ident, $uz:literal, $ru:literal, $en:literal;)+) => {
        /// A stable error code with its kind and its sentence in three languages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[$meta])* $variant),+ }

        impl Code {
            /// Every code, for the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as clients see it.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $text),+ } }

            /// What kind of failure it is.
            #[must_use]
            pub const fn kind(self) -> Kind { match self { $(Self::$variant => Kind::$kind),+ } }

            /// What a person is told.
            #[must_use]
            pub const fn message(self) -> Text { match self { $(Self::$variant => Text::new($uz, $ru, $en)),+ } }
        }
    };
}

codes! {
    /// A field is missing, unknown or wrong; `details` names it.
    ValidationError = "VALIDATION_ERROR", Invalid, "Ma'lumotlar noto'g'ri.", "Некорректные данные.", "The data is not valid.";
    /// The body is not JSON.
    MalformedJson = "MALFORMED_JSON", Invalid, "So'rov tanasi JSON emas.", "Тело запроса не является JSON.", "The request body is not JSON.";
    /// A cursor we did not issue for this list and ordering.
    InvalidCursor = "INVALID_CURSOR", Invalid, "Kursor noto'g'ri.", "Некорректный курсор.", "The cursor is not valid.";
    /// No token.
    NotAuthenticated = "NOT_AUTHENTICATED", Unauthenticated, "Avval tizimga kiring.", "Сначала войдите в систему.", "Please sign in first.";
    /// A token that is not ours, or not of this type.
    TokenInvalid = "TOKEN_INVALID", Unauthenticated, "Token yaroqsiz.", "Недействительный токен.", "The token is not valid.";
    /// A token past its time.
    TokenExpired = "TOKEN_EXPIRED", Unauthenticated, "Token muddati tugagan.", "Срок действия токена истёк.", "The token has expired.";
    /// A refresh token used a second time: the session is over.
    TokenReused = "TOKEN_REUSED", Unauthenticated, "Token qayta ishlatildi, sessiya yopildi.", "Токен использован повторно, сессия закрыта.", "The token was used twice; the session is closed.";
    /// E-mail and password do not belong together.
    InvalidCredentials = "INVALID_CREDENTIALS", Unauthenticated, "Email yoki parol noto'g'ri.", "Неверный email или пароль.", "Wrong e-mail or password.";
    /// A code that is wrong, used, too old, or was tried too often.
    CodeInvalid = "CODE_INVALID", Invalid, "Kod noto'g'ri yoki eskirgan. Yangi kod so'rang.", "Код неверен или устарел. Запросите новый.", "The code is wrong or no longer valid. Please ask for a new one.";
    /// The code is right, and nobody has registered with it.
    NotRegistered = "NOT_REGISTERED", Invalid, "Siz hali ro'yxatdan o'tmagansiz.", "Вы ещё не зарегистрированы.", "You have not registered yet.";
    /// The number belongs to an account that is linked to another Telegram account.
    TelegramLinked = "TELEGRAM_ALREADY_LINKED", Conflict, "Hisob boshqa Telegram akkauntiga bog'langan.", "Аккаунт привязан к другому Telegram.", "The account is linked to another Telegram account.";
    /// Too often; `details.retry_after` says when to come back, in seconds.
    RateLimited = "RATE_LIMITED", TooMany, "So'rovlar juda ko'p. Keyinroq urinib ko'ring.", "Слишком много запросов. Попробуйте позже.", "Too many requests. Please try again later.";
    /// The balance does not cover it.
    InsufficientFunds = "INSUFFICIENT_FUNDS", PaymentRequired, "Balansda mablag' yetarli emas.", "Недостаточно средств на балансе.", "Insufficient funds on the balance.";
    /// Too many wrong passwords; `details.retry_after` is in how many seconds the next is looked at, as in `Retry-After`.
    TooManyAttempts = "TOO_MANY_ATTEMPTS", TooMany, "Urinishlar juda ko'p. Keyinroq qayta urinib ko'ring.", "Слишком много попыток. Повторите позже.", "Too many attempts. Please try again later.";
    /// A page of another site asked, or a request without the headers that prove it did not.
    CsrfRefused = "CSRF_REFUSED", Forbidden, "So'rov rad etildi.", "Запрос отклонён.", "The request was refused.";
    /// Signed in, but not allowed.
    PermissionDenied = "PERMISSION_DENIED", Forbidden, "Bu amal uchun ruxsat yo'q.", "Недостаточно прав для этого действия.", "You are not allowed to do this.";
    /// The action needs a proven e-mail, phone or Telegram.
    EmailNotVerified = "EMAIL_NOT_VERIFIED", Forbidden, "Avval hisobingizni tasdiqlang.", "Сначала подтвердите аккаунт.", "Please verify your account first.";
    /// The account was closed or banned.
    AccountDisabled = "ACCOUNT_DISABLED", Forbidden, "Hisob o'chirilgan.", "Аккаунт отключён.", "The account is disabled.";
    /// The action needs the person's password, a code or a session that began a moment ago; `details.methods` may say which.
    ReauthRequired = "REAUTH_REQUIRED", Forbidden, "Bu siz ekaningizni tasdiqlang: joriy parolni kiriting yoki qaytadan kiring.", "Подтвердите, что это вы: введите текущий пароль или войдите заново.", "Please confirm that it is you: give your current password, or sign in again.";
    /// The platform does not offer this way of signing in.
    SignInNotOffered = "SIGN_IN_NOT_OFFERED", NotFound, "Kirishning bu usuli mavjud emas.", "Этот способ входа недоступен.", "This way of signing in is not offered here.";
    /// Nothing there, or nothing this caller may see.
    NotFound = "NOT_FOUND", NotFound, "Topilmadi.", "Не найдено.", "Not found.";
    /// The path exists; `Allow` names its methods.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", MethodNotAllowed, "Bu usul qo'llab-quvvatlanmaydi.", "Метод не поддерживается.", "This method is not supported here.";
    /// It exists already.
    AlreadyExists = "ALREADY_EXISTS", Conflict, "Bunday yozuv allaqachon mavjud.", "Такая запись уже существует.", "It already exists.";
    /// The address belongs to an account that this way of signing in does not open yet.
    AccountLinkRequired = "ACCOUNT_LINK_REQUIRED", Conflict, "Bu email bilan hisob mavjud. Avval unga parolingiz bilan kiring, keyin Google'ni ulang.", "Аккаунт с этим email уже есть. Сначала войдите в него с паролем, затем привяжите Google.", "An account with this e-mail exists. Please sign in to it with your password first, then link Google.";
    /// The state forbids the action; `details.status` is the state.
    InvalidState = "INVALID_STATE", Conflict, "Hozirgi holatda bu amal mumkin emas.", "В текущем состоянии это действие невозможно.", "The current state does not allow this.";
    /// The account still has money, deals, deposits or payouts; `details` counts them.
    AccountInUse = "ACCOUNT_IN_USE", Conflict, "Avval balansni yechib oling, bitim va to'lovlarni yakunlang.", "Сначала выведите баланс и завершите сделки и платежи.", "Withdraw your balance and finish your deals and payments first.";
    /// Somebody else took the listing, or it is not for sale.
    ListingUnavailable = "LISTING_UNAVAILABLE", Conflict, "E'lon endi mavjud emas.", "Объявление больше недоступно.", "The listing is no longer available.";
    /// The price changed since the buyer saw it; `details.price` is the price now.
    PriceChanged = "PRICE_CHANGED", Conflict, "Narx o'zgargan.", "Цена изменилась.", "The price has changed.";
    /// Too many open things of one kind.
    LimitReached = "LIMIT_REACHED", Conflict, "Cheklovga yetildi.", "Достигнут лимит.", "The limit is reached.";
    /// An `Idempotency-Key` that is none: 1 to 255 visible ASCII characters.
    IdempotencyKeyInvalid = "IDEMPOTENCY_KEY_INVALID", Invalid, "Idempotency-Key noto'g'ri.", "Некорректный Idempotency-Key.", "The Idempotency-Key is not valid.";
    /// The key was used for another request.
    IdempotencyKeyMismatch = "IDEMPOTENCY_KEY_MISMATCH", Unprocessable, "Bu Idempotency-Key boshqa so'rovga tegishli.", "Этот Idempotency-Key уже использован для другого запроса.", "This Idempotency-Key belongs to another request.";
    /// The first request with this key is still at work; ask again in a second.
    IdempotencyInProgress = "IDEMPOTENCY_IN_PROGRESS", Conflict, "So'rov hali bajarilmoqda.", "Запрос ещё выполняется.", "The request is still being carried out.";
    /// Staff or the ledger's check stopped this; `details.switch` names what. It comes back.
    SwitchedOff = "SWITCHED_OFF", Conflict, "Bu amal vaqtincha to'xtatilgan.", "Эта операция временно остановлена.", "This is switched off for the moment.";
    /// Staff froze the person's money: it can be paid in, not spent.
    AccountFrozen = "ACCOUNT_FROZEN", Conflict, "Balans muzlatilgan.", "Баланс заморожен.", "The balance is frozen.";
    /// Too many requests in a short time; `details.retry_after` and `Retry-After` say in how many seconds one more is welcome.
    RateLimited = "RATE_LIMITED", TooMany, "So'rovlar juda ko'p. Birozdan keyin urinib ko'ring.", "Слишком много запросов. Попробуйте немного позже.", "Too many requests. Please try again a little later.";
    /// A request that is authenticated by its cookie alone and does not come from the frontend's pages.
    CsrfRefused = "CSRF_REFUSED", Forbidden, "So'rov bizning sahifamizdan yuborilmagan.", "Запрос отправлен не с нашей страницы.", "The request does not come from our page.";
    /// The body stopped arriving; nothing happened.
    RequestTimeout = "REQUEST_TIMEOUT", TooSlow, "So'rov to'liq yetib kelmadi.", "Запрос не был получен полностью.", "The request did not arrive in time.";
    /// More bytes than the address takes.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", TooLarge, "So'rov hajmi juda katta.", "Слишком большой запрос.", "The request is too large.";
    /// Content of a type that the address does not take: most take `application/json`, uploads JPEG, PNG or WebP.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", Unsupported, "Bu turdagi ma'lumot yoki fayl qabul qilinmaydi.", "Данные или файлы такого типа не принимаются.", "Content of this type is not accepted here.";
    /// Our fault.
    InternalError = "INTERNAL_ERROR", Internal, "Ichki xatolik. Keyinroq urinib ko'ring.", "Внутренняя ошибка. Попробуйте позже.", "Internal error. Please try again later.";
    /// A lock was held too long; nothing happened.
    Busy = "BUSY", Unavailable, "Tizim band. Qayta urinib ko'ring.", "Система занята. Повторите попытку.", "The system is busy. Please try again.";
    /// It took too long and was given up; look whether it happened before you repeat it.
    TimedOut = "TIMED_OUT", Unavailable, "So'rov juda uzoq bajarildi. Natijani tekshirib, qayta urinib ko'ring.", "Запрос выполнялся слишком долго. Проверьте результат и повторите попытку.", "The request took too long. Check the result before you try again.";
    /// Something we depend on does not answer; nothing happened.
    ServiceUnavailable = "SERVICE_UNAVAILABLE", Unavailable, "Xizmat vaqtincha ishlamayapti.", "Сервис временно недоступен.", "The service is temporarily unavailable.";
}

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

    /// When to come back, in seconds, where it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        let fact = self.facts.iter().find(|(name, _)| *name == "retry_after");
        fact.and_then(|(_, seconds)| seconds.as_u64())
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
