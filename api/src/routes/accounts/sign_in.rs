//! Signing up, in and out.

use salvo::http::header::ACCEPT_LANGUAGE;
use salvo::oapi::{Components, Operation};
use salvo::{Depot, Request};
use shared::accounts::{self, Registration, RegistrationForm, SignIn, TokenPair};
use shared::error::texts;
use shared::ids::UserId;
use shared::language::Language;
use shared::{Code, Error, Outcome};

use super::DoneOut;
use super::issued::{Issued, TakenBack};
use super::me::UserOut;
use crate::extract::{FromRequest, RefreshCookie, extractor};
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

/// A session's latest refresh token; without one, that of the cookie.
#[derive(Default, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshBody {
    refresh: Option<String>,
}

/// Which session ends; without a token, all of the caller's; without a caller, that of the cookie.
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

/// Registers a person, signs them in, and mails them a proof of their address. An address that another account only typed, and
/// that has proved something else, is `pending_email` until the mail is answered; then it is theirs.
#[endpoint(tags("accounts"))]
pub(crate) async fn register(
    app: AppState,
    caller: Caller,
    req: &mut Request,
    body: Body<RegisterBody>,
) -> ApiResult<Issued<Created<SignInOut>>> {
    let form = body.0.into_form(asked_language(req));
    let registration = Registration::prepare(&app.passwords, form).await?;
    let signed_in = app
        .db
        .transaction(async |tx| accounts::register(tx, &app, registration, &caller.0).await)
        .await?;
    Ok(Issued(Created(SignInOut::from(signed_in))))
}

/// Signs a person in. After ten wrong passwords for an address each next one waits, twice as long each time, at most an
/// hour; a device that the person has signed in from is counted apart. Nothing tells whether anybody has the address.
#[endpoint(tags("accounts"), responses((status_code = 401, description = "INVALID_CREDENTIALS"), (status_code = 403, description = "ACCOUNT_DISABLED"), (status_code = 429, description = "TOO_MANY_ATTEMPTS: see Retry-After")))]
pub(crate) async fn log_in(
    app: AppState,
    caller: Caller,
    body: Body<LogInBody>,
) -> ApiResult<Issued<Json<SignInOut>>> {
    let recognised = accounts::recognise(&app, &body.email, &body.password, &caller.0).await?;
    let signed_in = app
        .db
        .transaction(async |tx| accounts::log_in(tx, &app, &recognised, &caller.0).await)
        .await?;
    Ok(Issued(Json(SignInOut::from(signed_in))))
}

/// Continues a session. The token before the latest gets the latest again for ten seconds; an older one ends the session,
/// and a mail tells the person.
#[endpoint(tags("accounts"), responses((status_code = 401, description = "TOKEN_INVALID, TOKEN_EXPIRED or TOKEN_REUSED")))]
pub(crate) async fn refresh(
    app: AppState,
    cookie: RefreshCookie,
    body: OptionalBody<RefreshBody>,
) -> ApiResult<Issued<Json<TokensOut>>> {
    let token = match body.0.refresh {
        Some(token) => token,
        None => cookie.token()?.ok_or_else(|| Error::field("refresh", texts::REQUIRED))?,
    };
    let token = app.tokens.read_refresh(&token)?;
    let refreshed = app.db.transaction(async |tx| accounts::refresh(tx, &app, token).await).await?;
    Ok(Issued(Json(TokensOut::from(refreshed.into_tokens()?))))
}

/// Who leaves, and from where.
pub(crate) enum Leaving {
    /// The session of this refresh token ends, whoever holds it: an access token beside it is not even looked at, because
    /// people sign out with one that has expired.
    Session(String),
    /// Every session of the caller ends.
    Everywhere(UserId),
    /// The session of the cookie ends.
    Cookie(RefreshCookie),
}

impl FromRequest for Leaving {
    async fn read(req: &mut Request, depot: &mut Depot, arg: &str) -> shared::Result<Self> {
        let OptionalBody(body) = OptionalBody::<LogOutBody>::read(req, depot, arg).await?;
        if let Some(token) = body.refresh {
            return Ok(Self::Session(token));
        }
        match MaybeSignedIn::read(req, depot, arg).await?.0 {
            Some(caller) => Ok(Self::Everywhere(caller.user.id)),
            None => RefreshCookie::read(req, depot, arg).await.map(Self::Cookie),
        }
    }

    fn describe(components: &mut Components, operation: &mut Operation, arg: &str) {
        MaybeSignedIn::describe(components, operation, arg);
        RefreshCookie::describe(components, operation, arg);
        OptionalBody::<LogOutBody>::describe(components, operation, arg);
    }
}

extractor!([] Leaving);

/// Ends the session of a refresh token, whatever access token comes with it; without a body, every session of the caller;
/// without a caller, that of the cookie.
#[endpoint(tags("accounts"))]
pub(crate) async fn log_out(
    app: AppState,
    leaving: Leaving,
) -> ApiResult<TakenBack<Json<DoneOut>>> {
    let _done = match leaving {
        Leaving::Session(token) => end_session_of(&app, &token).await?,
        Leaving::Everywhere(person) => {
            app.db.transaction(async |tx| accounts::log_out_everywhere(tx, person).await).await?
        }
        Leaving::Cookie(cookie) => {
            let token = cookie.token()?.ok_or(Code::NotAuthenticated)?;
            end_session_of(&app, &token).await?
        }
    };
    Ok(TakenBack(DoneOut::json()))
}

async fn end_session_of(app: &AppState, token: &str) -> shared::Result<Outcome> {
    let session = app.tokens.read_refresh(token)?.session;
    app.db.transaction(async |tx| accounts::log_out(tx, session).await).await
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

impl TokensOut {
    pub(super) fn refresh_token(&self) -> &str {
        &self.refresh
    }
}

impl SignInOut {
    pub(super) fn refresh_token(&self) -> &str {
        self.tokens.refresh_token()
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
