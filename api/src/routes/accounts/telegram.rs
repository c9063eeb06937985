//! Signing in through our Telegram bot: it hands out codes, the frontend sends them back.

use chrono::{DateTime, Utc};
use shared::accounts::codes::{self, BotCode, BotContact, TelegramMode};
use shared::language::{Language, Text};

use super::issued::{HandsOut, Issued};
use super::sign_in::SignInOut;
use crate::extract::Bot;
use crate::prelude::*;

const CODE_LENGTH: i64 = 6;

const WELCOME: Text =
    Text::new("Tizimga muvaffaqiyatli kirdingiz.", "Вы успешно вошли.", "You have signed in.");

/// Whom the bot speaks to.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct BotCodeBody {
    #[validate(range(min = 1, max = 9_007_199_254_740_991_i64))]
    telegram_id: i64,
    /// `+998XXXXXXXXX`, as Telegram gave it with the shared contact.
    #[validate(length(max = 32))]
    phone_number: String,
    #[validate(length(max = 500))]
    full_name: Option<String>,
    /// The name with Telegram.
    #[validate(length(max = 100))]
    username: Option<String>,
    /// Taken and not kept: no picture is fetched from an address.
    #[validate(length(max = 2048))]
    photo_url: Option<String>,
    /// What they read: `uz`, `ru` or `en`.
    #[salvo(schema(value_type = Option<String>))]
    language: Option<Language>,
    /// Instead of `X-Bot-Secret`.
    #[expect(dead_code, reason = "read before the body is")]
    secret_key: Option<String>,
}

/// A code to show.
#[derive(Serialize, ToSchema)]
pub(crate) struct BotCodeOut {
    /// Always true.
    success: bool,
    /// Six digits.
    code: String,
    #[salvo(schema(value_type = String, format = DateTime))]
    expires_at: DateTime<Utc>,
    remaining_seconds: i64,
    code_length: i64,
    expire_minutes: i64,
}

/// What the frontend sends: the phone, and the code that the bot showed.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterTelegramBody {
    /// `+998XXXXXXXXX`.
    #[validate(length(max = 32))]
    phone: String,
    /// Six digits.
    #[validate(length(min = 1, max = 16))]
    code: String,
    /// `register` (the default) also registers; `login` only signs in.
    #[salvo(schema(value_type = Option<String>))]
    mode: Option<TelegramMode>,
}

/// A person who has just signed in, as the frontend reads it.
#[derive(Serialize, ToSchema)]
pub(crate) struct TelegramSignInOut {
    /// Always true.
    success: bool,
    message: &'static str,
    data: SignInOut,
}

/// For our bot: a code that the person signs in with, or by which they confirm a step if they have no password. An earlier one
/// of theirs ends.
#[endpoint(tags("accounts"))]
pub(crate) async fn create_telegram_code(
    app: AppState,
    bot: Bot,
    caller: Caller,
    body: Body<BotCodeBody>,
) -> ApiResult<NoStore<Json<BotCodeOut>>> {
    let BotCodeBody { telegram_id, phone_number, full_name, username, language, .. } = body.0;
    let contact = BotContact { telegram_id, phone_number, full_name, username, language };
    let code = app
        .db
        .transaction(async |tx| codes::give_bot_code(tx, &app, bot.0, contact, &caller.0).await)
        .await?;
    Ok(NoStore(Json(BotCodeOut::from(code))))
}

/// Signs in with the code that the bot showed; who is new is registered, unless `mode` is `login`. A code has five tries from
/// one network, and 25 from all together.
#[endpoint(tags("accounts"), responses((status_code = 400, description = "CODE_INVALID, or NOT_REGISTERED when mode is login"), (status_code = 403, description = "ACCOUNT_DISABLED"), (status_code = 409, description = "TELEGRAM_ALREADY_LINKED")))]
pub(crate) async fn register_by_telegram(
    app: AppState,
    caller: Caller,
    body: Body<RegisterTelegramBody>,
) -> ApiResult<Issued<Created<TelegramSignInOut>>> {
    let proof = (body.phone.as_str(), body.code.trim());
    let mode = body.mode.unwrap_or(TelegramMode::Register);
    let guess = app
        .db
        .transaction(async |tx| codes::sign_in_by_telegram(tx, &app, proof, mode, &caller.0).await)
        .await?;
    let signed_in = guess.into_result()?;
    let message = WELCOME.get(signed_in.profile.user.language);
    let data = SignInOut::from(signed_in);
    Ok(Issued(Created(TelegramSignInOut { success: true, message, data })))
}

impl From<BotCode> for BotCodeOut {
    fn from(BotCode { code, expires_at, lifetime }: BotCode) -> Self {
        Self {
            success: true,
            code,
            expires_at,
            remaining_seconds: lifetime.num_seconds(),
            code_length: CODE_LENGTH,
            expire_minutes: lifetime.num_minutes(),
        }
    }
}

impl HandsOut for Created<TelegramSignInOut> {
    fn refresh_token(&self) -> &str {
        self.0.data.refresh_token()
    }
}
