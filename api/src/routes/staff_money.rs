//! What staff do to people's money: corrections, returned deposits, frozen balances. All of it through the ledger.

use chrono::{DateTime, Utc};
use shared::Money;
use shared::adjustments::{
    self, Adjustment, AdjustmentFilter, AdjustmentStatus, AdjustmentView, Correction,
};
use shared::ids::{AdjustmentId, TransactionId, UserId};
use shared::ledger::{self, Frozen};
use shared::money::SignedMoney;
use shared::{Outcome, payments};

use super::payments::TransactionOut;
use crate::prelude::*;

/// A correction of a balance.
#[derive(Serialize, ToSchema)]
pub(crate) struct AdjustmentOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: AdjustmentId,
    #[salvo(schema(value_type = String, format = Uuid))]
    user_id: UserId,
    user_email: String,
    /// Positive gives, negative takes.
    #[salvo(schema(value_type = String))]
    amount: Money,
    reason: String,
    reference: String,
    /// `proposed`, `approved` or `rejected`.
    #[salvo(schema(value_type = String))]
    status: AdjustmentStatus,
    /// Whether a second person has to approve it.
    needs_review: bool,
    #[salvo(schema(value_type = String, format = Uuid))]
    proposed_by: UserId,
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    decided_by: Option<UserId>,
    decision_note: String,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    decided_at: Option<DateTime<Utc>>,
    /// The movement in the person's history, once approved.
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    transaction_id: Option<TransactionId>,
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
}

impl Shown for AdjustmentOut {}

impl From<AdjustmentView> for AdjustmentOut {
    fn from(view: AdjustmentView) -> Self {
        let AdjustmentView { adjustment, user_email } = view;
        let Adjustment {
            id,
            user_id,
            amount,
            reason,
            reference,
            status,
            needs_review,
            proposed_by,
            decided_by,
            decision_note,
            decided_at,
            transaction_id,
            created_at,
            updated_at: _,
        } = adjustment;
        Self {
            id,
            user_id,
            user_email,
            amount,
            reason,
            reference,
            status,
            needs_review,
            proposed_by,
            decided_by,
            decision_note,
            decided_at,
            transaction_id,
            created_at,
        }
    }
}

/// How a balance is corrected.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdjustBody {
    /// With its sign: `"-5000.00"` takes, `"5000.00"` gives.
    #[salvo(schema(value_type = String))]
    amount: SignedMoney,
    /// For staff: 1 to 2,000 characters.
    #[validate(length(min = 1, max = 2000))]
    reason: String,
    /// What it belongs to outside, such as a support case; the person sees it.
    #[validate(length(max = 200))]
    reference: Option<String>,
}

/// Corrects a person's balance; above the limit it is proposed, and a second person of staff approves it. The same again
/// within two minutes is the same correction.
#[endpoint(tags("admin"), responses((status_code = 402, description = "INSUFFICIENT_FUNDS: more is taken than there is")))]
pub(crate) async fn adjust_balance(
    app: AppState,
    staff: Finance,
    id: Id<UserId>,
    body: Body<AdjustBody>,
    once: Once,
) -> ApiResult<Replayable<NewOrSame<AdjustmentOut>>> {
    let wanted = Correction {
        person: *id,
        amount: body.amount.0,
        reason: &body.reason,
        reference: body.reference.as_deref().unwrap_or_default(),
    };
    once.answer(&app, async |tx| {
        let (row, outcome) = adjustments::propose(tx, &app, staff.user.id, wanted).await?;
        let out = AdjustmentOut::from(adjustments::find(tx, row.id).await?);
        Ok(match outcome {
            Outcome::Done => NewOrSame::New(out),
            Outcome::AlreadyDone => NewOrSame::Same(out),
        })
    })
    .await
}

/// Corrections of balances.
pub(crate) struct AllAdjustments;

impl Listed for AllAdjustments {
    type Item = AdjustmentOut;
    type Order = ();
    type Filters = AdjustmentFilter;
    const ORDERINGS: &'static [(&'static str, ())] = &[];
    const DEFAULT_ORDER: () = ();
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(query: &mut Query) -> AdjustmentFilter {
        AdjustmentFilter {
            status: query.one_of("status", AdjustmentStatus::ALL, AdjustmentStatus::as_str),
            user: query.uuid("user").map(UserId),
        }
    }
}

/// Lists corrections of balances, newest first.
#[endpoint(tags("admin"))]
pub(crate) async fn list_adjustments(
    app: AppState,
    _staff: Finance,
    list: List<AllAdjustments>,
) -> ApiResult<Paged<AdjustmentOut>> {
    let page = adjustments::list(&mut *app.db.read().await?, list.filters, list.window).await?;
    Ok(list.page(page.map(AdjustmentOut::from)))
}

/// Shows a correction.
#[endpoint(tags("admin"))]
pub(crate) async fn show_adjustment(
    app: AppState,
    _staff: Finance,
    id: Id<AdjustmentId>,
    view: View<AdjustmentOut>,
) -> ApiResult<Viewed<AdjustmentOut>> {
    let found = adjustments::find(&mut *app.db.read().await?, *id).await?;
    Ok(view.show(found.into()))
}

/// What the second person says.
#[derive(Default, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionBody {
    /// At most 2,000 characters.
    #[validate(length(max = 2000))]
    note: Option<String>,
}

/// Posts a proposed correction. Not for who proposed it, nor for whose balance it is.
#[endpoint(tags("admin"), responses((status_code = 402, description = "INSUFFICIENT_FUNDS: more is taken than there is")))]
pub(crate) async fn approve_adjustment(
    app: AppState,
    staff: Finance,
    id: Id<AdjustmentId>,
    body: OptionalBody<DecisionBody>,
    once: Once,
) -> ApiResult<Replayable<Json<AdjustmentOut>>> {
    let note = body.note.as_deref().unwrap_or_default();
    once.answer(&app, async |tx| {
        adjustments::approve(tx, staff.user.id, *id, note).await?;
        Ok(Json(adjustments::find(tx, *id).await?.into()))
    })
    .await
}

/// Drops a proposed correction.
#[endpoint(tags("admin"))]
pub(crate) async fn reject_adjustment(
    app: AppState,
    staff: Finance,
    id: Id<AdjustmentId>,
    body: OptionalBody<DecisionBody>,
    once: Once,
) -> ApiResult<Replayable<Json<AdjustmentOut>>> {
    let note = body.note.as_deref().unwrap_or_default();
    once.answer(&app, async |tx| {
        adjustments::reject(tx, staff.user.id, *id, note).await?;
        Ok(Json(adjustments::find(tx, *id).await?.into()))
    })
    .await
}

/// Why.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct BecauseBody {
    /// 1 to 2,000 characters.
    #[validate(length(min = 1, max = 2000))]
    reason: String,
}

/// Books a completed deposit as returned that its provider gave back in its cabinet: the money leaves the balance. The
/// provider's own cancellation later finds it done.
#[endpoint(tags("admin"), responses((status_code = 402, description = "INSUFFICIENT_FUNDS: the money was spent")))]
pub(crate) async fn return_deposit(
    app: AppState,
    staff: Finance,
    id: Id<TransactionId>,
    body: Body<BecauseBody>,
    once: Once,
) -> ApiResult<Replayable<NewOrSame<TransactionOut>>> {
    once.answer(&app, async |tx| {
        let (refund, outcome) =
            payments::return_deposit(tx, &app, staff.user.id, *id, &body.reason).await?;
        let out = TransactionOut::from(payments::find_any(tx, refund.id).await?);
        Ok(match outcome {
            Outcome::Done => NewOrSame::New(out),
            Outcome::AlreadyDone => NewOrSame::Same(out),
        })
    })
    .await
}

/// Whether a person's money stands still.
#[derive(Serialize, ToSchema)]
pub(crate) struct FrozenOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    user_id: UserId,
    is_frozen: bool,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    frozen_at: Option<DateTime<Utc>>,
}

impl FrozenOut {
    fn new(user_id: UserId, frozen: Frozen) -> Self {
        Self { user_id, is_frozen: frozen.since.is_some(), frozen_at: frozen.since }
    }
}

/// Stops a person's spending: purchases, withdrawals and subscriptions are 409 `ACCOUNT_FROZEN`. Money still comes in.
#[endpoint(tags("admin"))]
pub(crate) async fn freeze_balance(
    app: AppState,
    staff: Finance,
    id: Id<UserId>,
    body: Body<BecauseBody>,
    once: Once,
) -> ApiResult<Replayable<Json<FrozenOut>>> {
    once.answer(&app, async |tx| {
        let frozen = ledger::freeze(tx, staff.user.id, *id, &body.reason).await?;
        Ok(Json(FrozenOut::new(*id, frozen)))
    })
    .await
}

/// Lets a person spend again.
#[endpoint(tags("admin"))]
pub(crate) async fn unfreeze_balance(
    app: AppState,
    staff: Finance,
    id: Id<UserId>,
    body: Body<BecauseBody>,
    once: Once,
) -> ApiResult<Replayable<Json<FrozenOut>>> {
    once.answer(&app, async |tx| {
        let frozen = ledger::unfreeze(tx, staff.user.id, *id, &body.reason).await?;
        Ok(Json(FrozenOut::new(*id, frozen)))
    })
    .await
}
