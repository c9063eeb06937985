//! Proof of an e-mail address.

use shared::Error;
use shared::accounts::{self, Addressee};
use shared::error::texts;

use super::DoneOut;
use crate::prelude::*;

/// What was mailed.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyEmailBody {
    token: String,
}

/// Whose mail is wanted again; without an address, the caller's.
#[derive(Default, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResendBody {
    #[validate(length(max = 254))]
    email: Option<String>,
}

/// Proves an address with the mailed token. It works for 24 hours; the same token again finds it done.
#[endpoint(tags("accounts"))]
pub(crate) async fn verify_email(
    app: AppState,
    body: Body<VerifyEmailBody>,
) -> ApiResult<Json<DoneOut>> {
    let _done =
        app.db.transaction(async |tx| accounts::verify_email(tx, &app, &body.token).await).await?;
    Ok(DoneOut::json())
}

/// Mails another proof to an address that its person has not proved, whatever else they have; at most one a minute. The answer
/// is always the same.
#[endpoint(tags("accounts"))]
pub(crate) async fn resend_verification(
    app: AppState,
    caller: MaybeSignedIn,
    body: OptionalBody<ResendBody>,
) -> ApiResult<Json<DoneOut>> {
    let addressee = match (caller.0, body.0.email) {
        (Some(caller), _) => Addressee::User(caller.user.id),
        (None, Some(email)) => Addressee::Email(email),
        (None, None) => return Err(Error::field("email", texts::REQUIRED).into()),
    };
    let _done =
        app.db.transaction(async |tx| accounts::resend_verification(tx, addressee).await).await?;
    Ok(DoneOut::json())
}
