//! Passwords: choosing a new one with a mailed link, or with the present one.

use shared::accounts::{
    self, PasswordChange, PasswordChangeForm, PasswordReset, PasswordResetForm,
};

use super::DoneOut;
use crate::prelude::*;

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetRequestBody {
    #[validate(length(max = 254))]
    email: String,
}

/// A new password, with the mailed link's token.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetBody {
    /// The link's `token`.
    token: String,
    /// 8 to 128 characters with a letter and a digit; not a common one, nor one of the last five.
    password: String,
    /// The same again.
    password_confirm: String,
    /// The link's `uid`; the token alone is enough.
    uid: Option<String>,
}

/// A new password, with the present one.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePasswordBody {
    #[validate(length(max = 128))]
    old_password: String,
    /// 8 to 128 characters with a letter and a digit; not a common one, nor one of the last five.
    new_password: String,
    /// The same again.
    new_password_confirm: String,
}

/// Mails a link to choose a new password, if somebody has the address: it works once, for 30 minutes. At most one mail a
/// minute and five an hour. No link goes to an address that its account only typed, if a phone, Telegram or Google of it is
/// proved: who signs in so proves the address first. The answer is always the same.
#[endpoint(tags("accounts"))]
pub(crate) async fn request_password_reset(
    app: AppState,
    body: Body<ResetRequestBody>,
) -> ApiResult<Json<DoneOut>> {
    let _done = app
        .db
        .transaction(async |tx| accounts::request_password_reset(tx, &body.email).await)
        .await?;
    Ok(DoneOut::json())
}

/// Chooses a new password with the mailed link's token. Every session ends, other links die, the address counts as proved,
/// and a mail tells the person. A token that is old, used, or from before another change is a wrong `token` (400).
#[endpoint(tags("accounts"))]
pub(crate) async fn reset_password(
    app: AppState,
    body: Body<ResetBody>,
) -> ApiResult<Json<DoneOut>> {
    let reset = PasswordReset::prepare(&app, &PasswordResetForm::from(body.0)).await?;
    app.db.transaction(async |tx| accounts::reset_password(tx, reset).await).await?;
    Ok(DoneOut::json())
}

/// Changes the caller's password. Every other session ends, mailed links die, and a mail tells the person. A wrong present
/// password is 400 on `old_password`, not 401: the token is good. After ten wrong ones each next waits (429).
#[endpoint(tags("accounts"), responses((status_code = 429, description = "TOO_MANY_ATTEMPTS: see Retry-After")))]
pub(crate) async fn change_password(
    app: AppState,
    me: SignedIn,
    body: Body<ChangePasswordBody>,
) -> ApiResult<Json<DoneOut>> {
    let form = PasswordChangeForm::from(body.0);
    let change = PasswordChange::prepare(&app, &me, &form).await?;
    app.db.transaction(async |tx| accounts::change_password(tx, change).await).await?;
    Ok(DoneOut::json())
}

impl From<ResetBody> for PasswordResetForm {
    fn from(body: ResetBody) -> Self {
        let ResetBody { token, password, password_confirm, uid } = body;
        Self { token, password, password_confirm, uid }
    }
}

impl From<ChangePasswordBody> for PasswordChangeForm {
    fn from(body: ChangePasswordBody) -> Self {
        let ChangePasswordBody { old_password, new_password, new_password_confirm } = body;
        Self { old_password, new_password, new_password_confirm }
    }
}
