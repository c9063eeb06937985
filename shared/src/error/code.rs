//! The stable codes of failures, each with its kind and what people are told in three languages.

use crate::language::Text;

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
