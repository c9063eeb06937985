//! What the two parties do with a deal.

use serde_json::Value;
use shared::escrow::{self, queries};
use shared::ids::EscrowId;
use shared::listings::CredentialsChange;

use super::shape::{DealOut, TradeStatusOut};
use crate::prelude::*;

/// Shows a deal to its parties and to staff.
#[endpoint(tags("deals"))]
pub(crate) async fn show_deal(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
    view: View<DealOut>,
) -> ApiResult<Viewed<DealOut>> {
    let deal = queries::find_for(&mut *app.db.read().await?, *id, &user.user).await?;
    Ok(view.show(deal.into()))
}

/// Shows how far a deal is.
#[endpoint(tags("deals"))]
pub(crate) async fn trade_status(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
) -> ApiResult<Json<TradeStatusOut>> {
    let deal = queries::find_for(&mut *app.db.read().await?, *id, &user.user).await?;
    Ok(Json(TradeStatusOut::from(&deal.escrow)))
}

/// How one signs in now, where that is not what the listing said: what is left out stays as it was sold.
#[derive(Default, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandOverBody {
    /// `email`, `phone`, `username` or `social`; `google` and `facebook` are social.
    login_method: Option<String>,
    /// The address, phone number or name one signs in with. Stored sealed; only the buyer ever reads it.
    account_email: Option<String>,
    /// Stored sealed; only the buyer ever reads it.
    account_password: Option<String>,
    /// An object or a text. Stored sealed; only the buyer ever reads it.
    #[salvo(schema(value_type = Option<Object>))]
    account_additional_info: Option<Value>,
}

impl From<HandOverBody> for CredentialsChange {
    fn from(body: HandOverBody) -> Self {
        let HandOverBody { login_method, account_email, account_password, account_additional_info } =
            body;
        Self { login_method, account_email, account_password, account_additional_info }
    }
}

/// The seller hands the account over: from now on the buyer can read how to sign in to it. Without a body as it was sold;
/// with one, the buyer gets what it says. Afterwards other credentials are 409 `INVALID_STATE`.
#[endpoint(tags("deals"))]
pub(crate) async fn hand_over(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
    body: OptionalBody<HandOverBody>,
    once: Once,
) -> ApiResult<Replayable<Json<DealOut>>> {
    let change = CredentialsChange::from(body.0);
    once.answer(&app, async |tx| {
        escrow::hand_over(tx, &app, user.user.id, *id, change).await?;
        Ok(Json(queries::find(tx, *id).await?.into()))
    })
    .await
}

/// The buyer has received the account: the seller is paid when the window for complaints closes.
#[endpoint(tags("deals"))]
pub(crate) async fn confirm_receipt(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
    once: Once,
) -> ApiResult<Replayable<Json<DealOut>>> {
    let windows = &app.settings.windows;
    once.answer(&app, async |tx| {
        escrow::confirm_receipt(tx, windows, user.user.id, *id).await?;
        Ok(Json(queries::find(tx, *id).await?.into()))
    })
    .await
}

/// Pays a reserved deal from the balance.
#[endpoint(tags("deals"), responses((status_code = 402, description = "INSUFFICIENT_FUNDS")))]
pub(crate) async fn pay_deal(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
    once: Once,
) -> ApiResult<Replayable<Json<DealOut>>> {
    once.answer(&app, async |tx| {
        escrow::pay(tx, &app, user.user.id, *id).await?;
        Ok(Json(queries::find(tx, *id).await?.into()))
    })
    .await
}

/// The buyer of a received account is content: the seller is paid now.
#[endpoint(tags("deals"))]
pub(crate) async fn release_now(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
    once: Once,
) -> ApiResult<Replayable<Json<DealOut>>> {
    once.answer(&app, async |tx| {
        escrow::release_now(tx, user.user.id, *id).await?;
        Ok(Json(queries::find(tx, *id).await?.into()))
    })
    .await
}

/// Why somebody gives up.
#[derive(Default, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelBody {
    #[validate(length(max = 2000))]
    reason: Option<String>,
}

impl CancelBody {
    fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default().trim()
    }
}

/// The seller gives a paid deal up: the buyer gets everything back.
#[endpoint(tags("deals"))]
pub(crate) async fn cancel_by_seller(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
    body: OptionalBody<CancelBody>,
    once: Once,
) -> ApiResult<Replayable<Json<DealOut>>> {
    once.answer(&app, async |tx| {
        escrow::give_up(tx, user.user.id, *id, body.reason()).await?;
        Ok(Json(queries::find(tx, *id).await?.into()))
    })
    .await
}

/// The buyer gives up: an unpaid deal at any time, a paid one when nothing was handed over by `deliver_by`. Earlier it is
/// a wish that the seller may grant, and after the hand-over it opens a dispute.
#[endpoint(tags("deals"))]
pub(crate) async fn cancel_by_buyer(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
    body: OptionalBody<CancelBody>,
    once: Once,
) -> ApiResult<Replayable<Json<DealOut>>> {
    once.answer(&app, async |tx| {
        escrow::cancel_by_buyer(tx, user.user.id, *id, body.reason()).await?;
        Ok(Json(queries::find(tx, *id).await?.into()))
    })
    .await
}

/// What is wrong with a deal.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisputeBody {
    /// 1 to 2,000 characters.
    #[validate(length(min = 1, max = 2000))]
    reason: String,
}

/// Disputes a deal: nothing moves until staff decide.
#[endpoint(tags("deals"))]
pub(crate) async fn dispute(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
    body: Body<DisputeBody>,
    once: Once,
) -> ApiResult<Replayable<Json<DealOut>>> {
    once.answer(&app, async |tx| {
        escrow::dispute(tx, user.user.id, *id, &body.reason).await?;
        Ok(Json(queries::find(tx, *id).await?.into()))
    })
    .await
}

/// How to sign in to a bought account.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialsOut {
    /// `email`, `phone`, `username` or `social`; `google` or `facebook` where the seller said so.
    login_method: String,
    account_email: String,
    account_password: String,
    /// What the seller left: an object or a text.
    #[salvo(schema(value_type = Object))]
    account_additional_info: Value,
}

/// Shows the buyer how to sign in, once the account was handed over. Every time is recorded.
#[endpoint(tags("deals"), responses((status_code = 409, description = "INVALID_STATE: not handed over yet")))]
pub(crate) async fn reveal_credentials(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
) -> ApiResult<NoStore<Json<CredentialsOut>>> {
    let revealed =
        app.db.transaction(async |tx| escrow::reveal(tx, &app, user.user.id, *id).await).await?;
    Ok(NoStore(Json(CredentialsOut {
        login_method: revealed.login_method,
        account_email: revealed.account_email.to_string(),
        account_password: revealed.account_password.to_string(),
        account_additional_info: revealed.account_additional_info,
    })))
}
