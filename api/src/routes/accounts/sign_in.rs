//! Signing up, in and out.

use salvo::Request;
use salvo::http::header::ACCEPT_LANGUAGE;
use shared::Code;
use shared::accounts::{self, Registration, RegistrationForm, SignIn, TokenPair};
use shared::language::Language;

use super::DoneOut;
use super::me::UserOut;
use crate::prelude::*;

/// A new person.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterBody {
    /// A proof of it is mailed.
    email: String,
    /// 8 to 128 characters with a letter and a digit; not a common one.
    password: String,
    full_name: Option<String>,
    /// 3 to 30 Latin letters, digits and `_ . -`, the first a letter.
    username: Option<String>,
    /// `+998XXXXXXXXX`.
    phone_number: Option<String>,
    /// `uz`, `ru` or `en`; that of `Accept-Language` otherwise.
    #[salvo(schema(value_type = Option<String>))]
    language: Option<Language>,
}

/// Who signs in.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogInBody {
    #[validate(length(max = 254))]
    email: String,
    #[validate(length(max = 128))]
    password: String,
}

/// A session's latest refresh token.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshBody {
    refresh: String,
}

/// Which session ends; without a token, all of the caller's.
#[derive(Default, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogOutBody {
    refresh: Option<String>,
}

/// The tokens of a session.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokensOut {
    /// For `Authorization: Bearer …`.
    access: String,
    /// For `auth/refresh/`, once.
    refresh: String,
}

/// A person who has just signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInOut {
    user: UserOut,
    tokens: TokensOut,
}

/// Registers a person, signs them in, and mails them a proof of their address.
#[endpoint(tags("accounts"))]
pub(crate) async fn register(
    app: AppState,
    caller: Caller,
    req: &mut Request,
    body: Body<RegisterBody>,
) -> ApiResult<NoStore<Created<SignInOut>>> {
    let form = body.0.into_form(asked_language(req));
    let registration = Registration::prepare(&app.passwords, form).await?;
    let signed_in = app
        .db
        .transaction(async |tx| accounts::register(tx, &app, registration, &caller.0).await)
        .await?;
    Ok(NoStore(Created(SignInOut::from(signed_in))))
}

/// Signs a person in.
#[endpoint(tags("accounts"), responses((status_code = 401, description = "INVALID_CREDENTIALS"), (status_code = 403, description = "ACCOUNT_DISABLED")))]
pub(crate) async fn log_in(
    app: AppState,
    caller: Caller,
    body: Body<LogInBody>,
) -> ApiResult<NoStore<Json<SignInOut>>> {
    let recognised = accounts::recognise(&app, &body.email, &body.password).await?;
    let signed_in = app
        .db
        .transaction(async |tx| accounts::log_in(tx, &app, &recognised, &caller.0).await)
        .await?;
    Ok(NoStore(Json(SignInOut::from(signed_in))))
}

/// Continues a session. The token before the latest gets the latest again for ten seconds; an older one ends the session.
#[endpoint(tags("accounts"), responses((status_code = 401, description = "TOKEN_INVALID, TOKEN_EXPIRED or TOKEN_REUSED")))]
pub(crate) async fn refresh(
    app: AppState,
    body: Body<RefreshBody>,
) -> ApiResult<NoStore<Json<TokensOut>>> {
    let token = app.tokens.read_refresh(&body.refresh)?;
    let refreshed = app.db.transaction(async |tx| accounts::refresh(tx, &app, token).await).await?;
    Ok(NoStore(Json(TokensOut::from(refreshed.into_tokens()?))))
}

/// Ends the session of a refresh token, or, without a body, every session of the caller.
#[endpoint(tags("accounts"))]
pub(crate) async fn log_out(
    app: AppState,
    caller: MaybeSignedIn,
    body: OptionalBody<LogOutBody>,
) -> ApiResult<Json<DoneOut>> {
    let _done = match (&body.refresh, caller.0) {
        (Some(token), _) => {
            let session = app.tokens.read_refresh(token)?.session;
            app.db.transaction(async |tx| accounts::log_out(tx, session).await).await?
        }
        (None, Some(caller)) => {
            app.db
                .transaction(async |tx| accounts::log_out_everywhere(tx, caller.user.id).await)
                .await?
        }
        (None, None) => return Err(Code::NotAuthenticated.into()),
    };
    Ok(DoneOut::json())
}

/// What the caller's browser asks for.
pub(super) fn asked_language(req: &Request) -> Language {
    let header = req.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Language::negotiate(header.unwrap_or_default())
}

impl RegisterBody {
    fn into_form(self, asked: Language) -> RegistrationForm {
        RegistrationForm {
            email: self.email,
            password: self.password,
            full_name: self.full_name,
            username: self.username,
            phone_number: self.phone_number,
            language: self.language.unwrap_or(asked),
        }
    }
}

impl From<TokenPair> for TokensOut {
    fn from(tokens: TokenPair) -> Self {
        Self { access: tokens.access, refresh: tokens.refresh }
    }
}

impl From<SignIn> for SignInOut {
    fn from(SignIn { profile, tokens }: SignIn) -> Self {
        Self { user: profile.into(), tokens: tokens.into() }
    }
}
