//! Signing in with Google, and linking it.

use salvo::Request;
use shared::accounts::codes::Purpose;
use shared::accounts::{self, GoogleToken, Identity, IdentityProof};
use shared::error::{Kind, texts};
use shared::language::Text;
use shared::{App, Error};

use super::issued::Issued;
use super::me::UserOut;
use super::sign_in::{SignInOut, asked_language};
use crate::prelude::*;

const ONE_OF: Text = Text::new(
    "Faqat bittasini yuboring: access_token, id_token yoki credential.",
    "Отправьте только одно: access_token, id_token или credential.",
    "Send only one of access_token, id_token and credential.",
);
const NONCE: Text = Text::new(
    "nonce faqat ID token bilan yuboriladi.",
    "nonce отправляется только вместе с ID-токеном.",
    "A nonce goes with an ID token only.",
);

/// Google's token: exactly one of the three.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoogleBody {
    /// From Google's OAuth client; it must have been issued to us, with the scopes `openid` and `email`.
    access_token: Option<String>,
    /// From Google's `OpenID` Connect.
    id_token: Option<String>,
    /// An ID token too, as Google's own button calls it.
    credential: Option<String>,
    /// What the client had Google put into the ID token.
    #[validate(length(max = 255))]
    nonce: Option<String>,
}

/// Google's token, and proof that it is the account's owner who asks.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkGoogleBody {
    /// As for signing in.
    access_token: Option<String>,
    /// As for signing in.
    id_token: Option<String>,
    /// As for signing in.
    credential: Option<String>,
    /// As for signing in.
    #[validate(length(max = 255))]
    nonce: Option<String>,
    /// The password of the account. Without one a `code`, or a session that began in the last ten minutes.
    #[validate(length(max = 128))]
    current_password: Option<String>,
    /// Without a password: the digits of `auth/otp/request/` with the purpose `reauth`, or those that the Telegram bot shows.
    #[validate(length(max = 16))]
    code: Option<String>,
}

/// Signs a person in with Google. Somebody new gets an account without a password; an account with the same address is
/// theirs at once if both Google and we have proved it, and is to be linked by its owner otherwise. An account that only typed
/// the address, and lives by a phone, Telegram or Google that it did prove, gives the address up.
#[endpoint(tags("accounts"), responses((status_code = 401, description = "TOKEN_INVALID or TOKEN_EXPIRED: Google's token"), (status_code = 403, description = "EMAIL_NOT_VERIFIED by Google, or ACCOUNT_DISABLED"), (status_code = 404, description = "SIGN_IN_NOT_OFFERED")))]
pub(crate) async fn log_in_with_google(
    app: AppState,
    caller: Caller,
    req: &mut Request,
    body: Body<GoogleBody>,
) -> ApiResult<Issued<Json<SignInOut>>> {
    let language = asked_language(req);
    let (_field, token) = body.0.into_token()?;
    let identity = app.google.identify(&token).await?;
    let signed_in = app
        .db
        .transaction(async |tx| {
            accounts::sign_in_with_google(tx, &app, &identity, language, &caller.0).await
        })
        .await?;
    Ok(Issued(Json(SignInOut::from(signed_in))))
}

/// Links Google to the caller's account, so that it signs them in from now on.
#[endpoint(tags("accounts"), responses((status_code = 403, description = "REAUTH_REQUIRED"), (status_code = 404, description = "SIGN_IN_NOT_OFFERED")))]
pub(crate) async fn link_google(
    app: AppState,
    me: SignedIn,
    body: Body<LinkGoogleBody>,
) -> ApiResult<NoStore<Json<UserOut>>> {
    let mut body = body.0;
    let (password, code) = (body.current_password.take(), body.code.take());
    let (field, token) = GoogleBody::from(body).into_token()?;
    let shown = IdentityProof {
        field: "current_password",
        password: password.as_deref(),
        code_field: "code",
        code: code.as_deref(),
    };
    let confirmed = accounts::confirm_identity(&app, &me, Purpose::Reauth, shown).await?;
    let identity = identify(&app, field, &token).await?;
    let profile = app
        .db
        .transaction(async |tx| {
            accounts::link_google(tx, &app, me.user.id, &identity, &confirmed).await
        })
        .await?;
    Ok(NoStore(Json(UserOut::from(profile))))
}

/// Ends the link of the caller's account with Google. Without one it is done already.
#[endpoint(tags("accounts"))]
pub(crate) async fn unlink_google(app: AppState, me: SignedIn) -> ApiResult<NoContent> {
    let _done =
        app.db.transaction(async |tx| accounts::unlink_google(tx, &app, me.user.id).await).await?;
    Ok(NoContent)
}

/// Whom the token speaks of. The caller's own token is good, so a bad one of Google's is a wrong field and not 401.
async fn identify(app: &App, field: &'static str, token: &GoogleToken) -> ApiResult<Identity> {
    let identity = app.google.identify(token).await;
    Ok(identity.map_err(|error| {
        let ours = error.kind() != Kind::Unauthenticated;
        if ours { error } else { Error::field(field, texts::INVALID) }
    })?)
}

impl GoogleBody {
    /// The one token, and the name of its field.
    fn into_token(self) -> Result<(&'static str, GoogleToken), Error> {
        let Self { access_token, id_token, credential, nonce } = self;
        let fields =
            [("access_token", access_token), ("id_token", id_token), ("credential", credential)];
        let mut given = fields
            .into_iter()
            .filter_map(|(field, token)| Some((field, token.filter(|token| !token.is_empty())?)));
        match (given.next(), given.next(), nonce) {
            (None, _, _) => Err(Error::field("id_token", texts::REQUIRED)),
            (Some(_), Some((second, _)), _) => Err(Error::field(second, ONE_OF)),
            (Some(("access_token", _)), None, Some(_)) => Err(Error::field("nonce", NONCE)),
            (Some((field @ "access_token", token)), None, None) => {
                Ok((field, GoogleToken::Access(token)))
            }
            (Some((field, token)), None, nonce) => Ok((field, GoogleToken::Id { token, nonce })),
        }
    }
}

impl From<LinkGoogleBody> for GoogleBody {
    fn from(body: LinkGoogleBody) -> Self {
        let LinkGoogleBody { access_token, id_token, credential, nonce, .. } = body;
        Self { access_token, id_token, credential, nonce }
    }
}
