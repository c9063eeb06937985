//! Leaving.

use shared::accounts::codes::Purpose;
use shared::accounts::{self, IdentityProof};

use super::DoneOut;
use crate::prelude::*;

/// That it is them.
#[derive(Default, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseAccountBody {
    /// The password they have now. Whoever has none may put the six digits of `code` here.
    #[validate(length(max = 128))]
    password: Option<String>,
    /// Without a password: the digits of `auth/otp/request/` with the purpose `delete_account`, or those that the Telegram bot
    /// shows.
    #[validate(length(max = 16))]
    code: Option<String>,
}

/// Closes the caller's account: offers leave the market, every session ends, address and number are free. What is personal
/// is erased after 30 days. Wants the password; without one a code, or where no SMS can be sent to them a session that began in
/// the last ten minutes: `methods` of 403 `REAUTH_REQUIRED` says which of `password`, `code`, `telegram` and `sign_in` will do.
/// Refused with 409 `ACCOUNT_IN_USE` while there is money, an open deal, deposit or payout.
#[endpoint(tags("accounts"), responses((status_code = 400, description = "CODE_INVALID"), (status_code = 403, description = "REAUTH_REQUIRED"), (status_code = 409, description = "ACCOUNT_IN_USE")))]
pub(crate) async fn close_account(
    app: AppState,
    me: SignedIn,
    body: OptionalBody<CloseAccountBody>,
) -> ApiResult<Json<DoneOut>> {
    let shown = IdentityProof {
        field: "password",
        password: body.password.as_deref(),
        code_field: "code",
        code: body.code.as_deref(),
    };
    let confirmed = accounts::confirm_identity(&app, &me, Purpose::DeleteAccount, shown).await?;
    let _done = app
        .db
        .transaction(async |tx| accounts::close_account(tx, me.user.id, &confirmed).await)
        .await?;
    Ok(DoneOut::json())
}
