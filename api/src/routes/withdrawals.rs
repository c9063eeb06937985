//! Withdrawals: a person's money on its way to their card, and the staff who let it go.

use chrono::{DateTime, Utc};
use shared::accounts::Right;
use shared::ids::{TransactionId, UserId};
use shared::payments::TransactionStatus;
use shared::withdrawals::queries::{self, Filter, Order, Scope, State, View as WithdrawalView};
use shared::withdrawals::{self, CardType};
use shared::{Money, Outcome};

use crate::extract::{Attempt, require};
use crate::prelude::*;

/// A withdrawal. Nobody is shown more of a card than its first six and last four digits.
#[derive(Serialize, ToSchema)]
pub(crate) struct WithdrawalOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: TransactionId,
    #[salvo(schema(value_type = String))]
    amount: Money,
    currency: String,
    /// Masked: `860053••••8829`.
    card_number: String,
    card_holder_name: String,
    /// `uzcard` or `humo`.
    #[salvo(schema(value_type = String))]
    card_type: CardType,
    /// `pending`, `processing`, `completed`, `failed`, `cancelled` by its owner, or `rejected` by staff.
    status: &'static str,
    /// Not paid before: a card that is new, or a new password, makes money wait.
    #[salvo(schema(value_type = String, format = DateTime))]
    not_before: DateTime<Utc>,
    /// Approvals of staff that are still missing.
    approvals_missing: i16,
    /// A Pro seller's.
    is_priority: bool,
    rejection_reason: Option<String>,
    /// The same, as the frontend's older pages call it.
    admin_note: Option<String>,
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
    #[salvo(schema(value_type = String, format = DateTime))]
    updated_at: DateTime<Utc>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    processed_at: Option<DateTime<Utc>>,
    /// For staff: whose it is.
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    user: Option<UserId>,
    /// For staff.
    user_name: Option<String>,
    /// For staff.
    user_email: Option<String>,
    /// For staff: since when nobody knows whether it was paid.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    outcome_unknown_at: Option<DateTime<Utc>>,
    /// For staff: what Multicard was heard to say last.
    last_answer: Option<String>,
}

impl Shown for WithdrawalOut {}

/// Who reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Owner,
    Staff,
}

impl WithdrawalOut {
    fn new(view: WithdrawalView, reader: Reader) -> Self {
        let WithdrawalView { transaction, withdrawal, owner } = view;
        let for_staff = reader == Reader::Staff;
        let status = match withdrawal.rejected_by {
            Some(_) => "rejected",
            None => transaction.status.as_str(),
        };
        let open = withdrawal.settled_at.is_none();
        let name = Some(owner.full_name).filter(|name| !name.is_empty()).or(owner.username);
        Self {
            id: transaction.id,
            amount: transaction.amount,
            currency: transaction.currency,
            card_type: withdrawal.card_type,
            status,
            not_before: withdrawal.not_before,
            approvals_missing: withdrawal.approvals_missing(),
            is_priority: withdrawal.is_priority,
            card_number: withdrawal.card_masked,
            card_holder_name: withdrawal.card_holder_name,
            admin_note: withdrawal.reject_reason.clone(),
            rejection_reason: withdrawal.reject_reason,
            created_at: transaction.created_at,
            updated_at: withdrawal.updated_at,
            processed_at: transaction.processed_at,
            user: for_staff.then_some(owner.id),
            user_name: name.filter(|_| for_staff),
            user_email: Some(owner.email).filter(|_| for_staff),
            outcome_unknown_at: withdrawal.outcome_unknown_at.filter(|_| for_staff && open),
            last_answer: withdrawal.last_answer.filter(|_| for_staff),
        }
    }

    fn own(view: WithdrawalView) -> Self {
        Self::new(view, Reader::Owner)
    }

    fn for_staff(view: WithdrawalView) -> Self {
        Self::new(view, Reader::Staff)
    }
}

/// How much, and to which card.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBody {
    /// From 10,000.00 UZS, unless the limits were changed.
    #[salvo(schema(value_type = String))]
    amount: Money,
    /// Sixteen digits.
    card_number: String,
    /// As it stands on the card.
    card_holder_name: String,
    /// `uzcard` or `humo`; money is not paid out to `visa` and `mastercard`.
    #[salvo(schema(value_type = String))]
    card_type: CardType,
}

/// The same in the specification's words.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawBody {
    #[salvo(schema(value_type = String))]
    amount: Money,
    /// The number of a card, sixteen digits.
    destination: String,
    /// `uzcard` or `humo`; the number tells it when nothing is said.
    #[salvo(schema(value_type = Option<String>))]
    payment_method: Option<CardType>,
    /// As it stands on the card; the caller's own name when nothing is said.
    card_holder_name: Option<String>,
}

/// Withdraws money to a card. The same amount to the same card within two minutes is the same withdrawal.
#[endpoint(tags("withdrawals"), responses((status_code = 402, description = "INSUFFICIENT_FUNDS")))]
pub(crate) async fn create_withdrawal(
    app: AppState,
    user: Verified,
    body: Body<CreateBody>,
    once: Once,
) -> ApiResult<Replayable<NewOrSame<WithdrawalOut>>> {
    let order = withdrawals::Order {
        amount: body.amount,
        card: &body.card_number,
        card_field: "card_number",
        holder: Some(&body.card_holder_name),
        card_type: Some(body.card_type),
    };
    request(&app, &user, order, once).await
}

/// Withdraws money to a card, in the specification's words.
#[endpoint(tags("withdrawals"), responses((status_code = 402, description = "INSUFFICIENT_FUNDS")))]
pub(crate) async fn withdraw(
    app: AppState,
    user: Verified,
    body: Body<WithdrawBody>,
    once: Once,
) -> ApiResult<Replayable<NewOrSame<WithdrawalOut>>> {
    let order = withdrawals::Order {
        amount: body.amount,
        card: &body.destination,
        card_field: "destination",
        holder: body.card_holder_name.as_deref(),
        card_type: body.payment_method,
    };
    request(&app, &user, order, once).await
}

async fn request(
    app: &AppState,
    user: &Verified,
    order: withdrawals::Order<'_>,
    once: Once,
) -> ApiResult<Replayable<NewOrSame<WithdrawalOut>>> {
    once.answer(app, async |tx| {
        let (id, outcome) = withdrawals::request(tx, app, user, order).await?;
        let made = WithdrawalOut::own(queries::find(tx, Scope::Of(user.user.id), id).await?);
        Ok(match outcome {
            Outcome::Done => NewOrSame::New(made),
            Outcome::AlreadyDone => NewOrSame::Same(made),
        })
    })
    .await
}

/// Withdrawals, one's own or all.
pub(crate) struct WithdrawalList;

/// What the list is asked for.
pub(crate) struct Asked {
    all: bool,
    filter: Filter,
}

/// The statuses that can be asked for; `all` is none of them.
const STATES: [(&str, Option<State>); 7] = [
    ("all", None),
    ("pending", Some(State::In(TransactionStatus::Pending))),
    ("processing", Some(State::In(TransactionStatus::Processing))),
    ("completed", Some(State::In(TransactionStatus::Completed))),
    ("failed", Some(State::In(TransactionStatus::Failed))),
    ("cancelled", Some(State::In(TransactionStatus::Cancelled))),
    ("rejected", Some(State::Rejected)),
];

impl Listed for WithdrawalList {
    type Item = WithdrawalOut;
    type Order = Option<Order>;
    type Filters = Asked;
    const ORDERINGS: &'static [(&'static str, Option<Order>)] = &[
        ("created_at", Some(Order::Oldest)),
        ("-created_at", Some(Order::Newest)),
        ("amount", Some(Order::Smallest)),
        ("-amount", Some(Order::Largest)),
        ("urgency", Some(Order::Urgent)),
    ];
    // A person's own are shown newest first, staff see what waits for them.
    const DEFAULT_ORDER: Option<Order> = None;
    // The pages show all and never page.
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(query: &mut Query) -> Asked {
        let state = query.one_of("status", &STATES, |(name, _)| name).and_then(|(_, state)| state);
        Asked {
            all: query.flag("admin").unwrap_or_default(),
            filter: Filter {
                state,
                card_type: query.one_of("card_type", CardType::ALL, CardType::as_str),
                needs_approval: query.flag("needs_approval"),
                unknown: query.flag("unknown"),
                search: query.text("search"),
            },
        }
    }
}

/// Lists the caller's own withdrawals, newest first; with `admin=true` everybody's, for staff who decide about
/// money.
#[endpoint(tags("withdrawals"))]
pub(crate) async fn list_withdrawals(
    app: AppState,
    user: SignedIn,
    attempt: Attempt,
    list: List<WithdrawalList>,
) -> ApiResult<Paged<WithdrawalOut>> {
    if !list.filters.all {
        return page(&app, list, Scope::Of(user.user.id), Order::Newest).await;
    }
    require(&app, &user, Right::Finance, attempt).await?;
    page(&app, list, Scope::Everything, Order::Urgent).await
}

/// Lists everybody's withdrawals: what waits for staff first, a Pro seller's before the others.
#[endpoint(tags("admin"))]
pub(crate) async fn list_all_withdrawals(
    app: AppState,
    _staff: Finance,
    list: List<WithdrawalList>,
) -> ApiResult<Paged<WithdrawalOut>> {
    page(&app, list, Scope::Everything, Order::Urgent).await
}

async fn page(
    app: &AppState,
    list: List<WithdrawalList>,
    scope: Scope,
    order: Order,
) -> ApiResult<Paged<WithdrawalOut>> {
    let conn = &mut app.db.read().await?;
    let order = list.order.unwrap_or(order);
    let page = queries::list(conn, scope, &list.filters.filter, order, list.window).await?;
    let reader = if scope == Scope::Everything { Reader::Staff } else { Reader::Owner };
    Ok(list.page(page.map(|view| WithdrawalOut::new(view, reader))))
}

/// Shows a withdrawal, to its owner and to staff who decide about money.
#[endpoint(tags("withdrawals"))]
pub(crate) async fn show_withdrawal(
    app: AppState,
    user: SignedIn,
    id: Id<TransactionId>,
    view: View<WithdrawalOut>,
) -> ApiResult<Viewed<WithdrawalOut>> {
    let conn = &mut app.db.read().await?;
    let found = if user.roles.may(Right::Finance) {
        WithdrawalOut::for_staff(queries::find(conn, Scope::Everything, *id).await?)
    } else {
        WithdrawalOut::own(queries::find(conn, Scope::Of(user.user.id), *id).await?)
    };
    Ok(view.show(found))
}

/// Shows any withdrawal.
#[endpoint(tags("admin"))]
pub(crate) async fn show_any_withdrawal(
    app: AppState,
    _staff: Finance,
    id: Id<TransactionId>,
    view: View<WithdrawalOut>,
) -> ApiResult<Viewed<WithdrawalOut>> {
    let conn = &mut app.db.read().await?;
    let found = queries::find(conn, Scope::Everything, *id).await?;
    Ok(view.show(WithdrawalOut::for_staff(found)))
}

/// Cancels one's own withdrawal while it waits; the money is back on the balance.
#[endpoint(tags("withdrawals"))]
pub(crate) async fn cancel_withdrawal(
    app: AppState,
    user: SignedIn,
    id: Id<TransactionId>,
    once: Once,
) -> ApiResult<Replayable<Json<WithdrawalOut>>> {
    once.answer(&app, async |tx| {
        let _outcome = withdrawals::cancel(tx, user.user.id, *id).await?;
        let view = queries::find(tx, Scope::Of(user.user.id), *id).await?;
        Ok(Json(WithdrawalOut::own(view)))
    })
    .await
}

/// Lets a withdrawal go, unless another member of staff has to agree; it is paid when its time has come.
#[endpoint(tags("admin"))]
pub(crate) async fn approve_withdrawal(
    app: AppState,
    staff: Finance,
    id: Id<TransactionId>,
    once: Once,
) -> ApiResult<Replayable<Json<WithdrawalOut>>> {
    once.answer(&app, async |tx| {
        let _outcome = withdrawals::approve(tx, staff.user.id, *id).await?;
        let view = queries::find(tx, Scope::Everything, *id).await?;
        Ok(Json(WithdrawalOut::for_staff(view)))
    })
    .await
}

/// Why a withdrawal is refused.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejectBody {
    /// For its owner to read; 1 to 2,000 characters.
    reason: String,
}

/// Refuses a withdrawal while it waits; the money is back on its owner's balance.
#[endpoint(tags("admin"))]
pub(crate) async fn reject_withdrawal(
    app: AppState,
    staff: Finance,
    id: Id<TransactionId>,
    body: Body<RejectBody>,
    once: Once,
) -> ApiResult<Replayable<Json<WithdrawalOut>>> {
    once.answer(&app, async |tx| {
        let _outcome = withdrawals::reject(tx, staff.user.id, *id, &body.reason).await?;
        let view = queries::find(tx, Scope::Everything, *id).await?;
        Ok(Json(WithdrawalOut::for_staff(view)))
    })
    .await
}
