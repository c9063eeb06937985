//! A person's money: balance, deposits, and the history of both.

use chrono::{DateTime, Utc};
use shared::Money;
use shared::idempotency::{self, Keep};
use shared::ids::{EscrowId, PaymentMethodId, TransactionId};
use shared::ledger;
use shared::payments::{
    self, PaymentMethod, Scope, Transaction, TransactionFilters, TransactionOrder, TransactionRow,
    TransactionStatus, TransactionType,
};

use crate::prelude::*;

/// The only currency.
const CURRENCY: &str = "UZS";

/// A movement of money. The amount is positive, the type says which way it went.
#[derive(Serialize, ToSchema)]
pub(crate) struct TransactionOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: TransactionId,
    /// `deposit`, `withdrawal`, `purchase`, `refund`, `commission`, `subscription` or `sale`.
    #[serde(rename = "type")]
    #[salvo(schema(value_type = String))]
    kind: TransactionType,
    #[salvo(schema(value_type = String))]
    amount: Money,
    currency: String,
    /// `pending`, `processing`, `completed`, `failed` or `cancelled`.
    #[salvo(schema(value_type = String))]
    status: TransactionStatus,
    /// The code of the payment method; none for what happens inside the platform.
    payment_method: Option<String>,
    /// The deal it belongs to; on a deposit: the deal it pays.
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    escrow_id: Option<EscrowId>,
    description: String,
    /// The payment provider's own id of it.
    provider_transaction_id: Option<String>,
    /// The movement that it takes back: a refund's deposit.
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    reverses: Option<TransactionId>,
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    processed_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    failed_at: Option<DateTime<Utc>>,
}

impl From<TransactionRow> for TransactionOut {
    fn from(row: TransactionRow) -> Self {
        let TransactionRow { transaction, payment_method } = row;
        let Transaction {
            id,
            kind,
            amount,
            currency,
            status,
            escrow_id,
            description,
            provider_transaction_id,
            reverses_id: reverses,
            created_at,
            processed_at,
            failed_at,
            ..
        } = transaction;
        Self {
            id,
            kind,
            amount,
            currency,
            status,
            payment_method,
            escrow_id,
            description,
            provider_transaction_id,
            reverses,
            created_at,
            processed_at,
            failed_at,
        }
    }
}

impl Shown for TransactionOut {}

/// A way to pay.
#[derive(Serialize, ToSchema)]
pub(crate) struct PaymentMethodOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: PaymentMethodId,
    name: String,
    /// What `payment_method` of a deposit says.
    code: String,
    icon: String,
    is_active: bool,
    /// Whether deposits by it are possible yet.
    is_available: bool,
}

impl From<PaymentMethod> for PaymentMethodOut {
    fn from(method: PaymentMethod) -> Self {
        let is_available = method.is_wired();
        let PaymentMethod { id, name, code, icon, is_active } = method;
        Self { id, name, code, icon, is_active, is_available }
    }
}

impl Shown for PaymentMethodOut {}

/// The list of payment methods.
pub(crate) struct MethodList;

impl Listed for MethodList {
    type Item = PaymentMethodOut;
    type Order = ();
    type Filters = ();
    const ORDERINGS: &'static [(&'static str, ())] = &[];
    const DEFAULT_ORDER: () = ();
    // The pages show all and never page.
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(_query: &mut Query) {}
}

/// Lists the ways to pay that are switched on.
#[endpoint(tags("payments"))]
pub(crate) async fn list_methods(
    app: AppState,
    list: List<MethodList>,
) -> ApiResult<Paged<PaymentMethodOut>> {
    let page = payments::active_methods(&mut *app.db.read().await?, list.window).await?;
    Ok(list.page(page.map(PaymentMethodOut::from)))
}

/// How much, and how.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct DepositBody {
    /// From 1,000.00 to 100,000,000.00 UZS.
    #[salvo(schema(value_type = String))]
    amount: Money,
    /// The code of a payment method.
    #[validate(length(min = 1, max = 50))]
    payment_method: String,
}

/// A deposit that waits for its payer.
#[derive(Serialize, ToSchema)]
pub(crate) struct DepositOut {
    #[serde(flatten)]
    transaction: TransactionOut,
    /// Where the payer goes now.
    payment_url: String,
}

/// Begins a deposit. Each call begins another one, unless it carries the `Idempotency-Key` of an earlier one.
///
/// The payment page is asked for after the commit, since a provider may have to be called. If that fails, the deposit is
/// there, and a repeat with the same key asks for the page of the same deposit.
#[endpoint(tags("payments"))]
pub(crate) async fn begin_deposit(
    app: AppState,
    user: SignedIn,
    body: Body<DepositBody>,
    once: Once,
) -> ApiResult<Replayable<Created<DepositOut>>> {
    let Body(DepositBody { amount, payment_method }) = body;
    let person = user.user.id;
    let begun = once
        .begin(
            &app,
            |deposit: &Transaction| Keep::made(&deposit.id),
            async |tx| {
                payments::begin_deposit(tx, &app, person, amount, &payment_method, None).await
            },
        )
        .await?;
    let (transaction, before) = match begun {
        Begun::Now(transaction) => (transaction, false),
        Begun::Before(made) => {
            let id = idempotency::read_made(&made)?;
            (payments::find_own(&mut *app.db.read().await?, person, id).await?.transaction, true)
        }
        Begun::Answered(answer) => return Ok(answer),
    };
    let payment_url =
        payments::payment_url(&app, &transaction, &payment_method, user.user.language).await?;
    let transaction =
        TransactionOut::from(TransactionRow { transaction, payment_method: Some(payment_method) });
    once.finish(&app, Created(DepositOut { transaction, payment_url }), before).await
}

/// A person's money.
#[derive(Serialize, ToSchema)]
pub(crate) struct BalanceOut {
    /// What can be spent.
    #[salvo(schema(value_type = String))]
    available: Money,
    /// What is promised to payouts, or paid into deals that are still open.
    #[salvo(schema(value_type = String))]
    held: Money,
    currency: &'static str,
}

/// Shows how much money the caller has.
#[endpoint(tags("payments"))]
pub(crate) async fn show_balance(app: AppState, user: SignedIn) -> ApiResult<Json<BalanceOut>> {
    let balance = ledger::balance_of_user(&mut *app.db.read().await?, user.user.id).await?;
    Ok(Json(BalanceOut { available: balance.available, held: balance.held, currency: CURRENCY }))
}

/// The list of the caller's transactions.
pub(crate) struct TransactionList;

impl Listed for TransactionList {
    type Item = TransactionOut;
    type Order = TransactionOrder;
    type Filters = TransactionFilters;
    const ORDERINGS: &'static [(&'static str, TransactionOrder)] = &[
        ("created_at", TransactionOrder::Oldest),
        ("-created_at", TransactionOrder::Newest),
        ("amount", TransactionOrder::Smallest),
        ("-amount", TransactionOrder::Largest),
    ];
    const DEFAULT_ORDER: TransactionOrder = TransactionOrder::Newest;
    const FEED: bool = true;

    fn filters(query: &mut Query) -> TransactionFilters {
        transaction_filters(query)
    }
}

/// The codes of the payment methods, as the specification has them.
const METHODS: &[&str] = &["payme", "click", "paynet", "uzcard", "humo"];

/// What both lists of transactions are narrowed by.
pub(super) fn transaction_filters(query: &mut Query) -> TransactionFilters {
    TransactionFilters {
        kind: query.one_of("type", TransactionType::ALL, TransactionType::as_str),
        status: query.one_of("status", TransactionStatus::ALL, TransactionStatus::as_str),
        payment_method: query.one_of("payment_method", METHODS, |code| code),
        escrow: query.uuid("escrow_id").map(EscrowId),
        user: None,
        since: query.since("date_from"),
        until: query.until("date_to"),
        min_amount: query.money("min_amount"),
        max_amount: query.money("max_amount"),
        search: query.text("search"),
    }
}

/// Lists the caller's own transactions, newest first. For a long history: `cursor=start`, then each `next`.
#[endpoint(tags("payments"))]
pub(crate) async fn list_transactions(
    app: AppState,
    user: SignedIn,
    list: List<TransactionList>,
) -> ApiResult<Paged<TransactionOut>> {
    let (conn, scope) = (&mut app.db.read().await?, Scope::Of(user.user.id));
    let part =
        payments::transactions_of(conn, scope, &list.filters, list.order, list.slice()).await?;
    Ok(list.part(part.map(|view| TransactionOut::from(view.row))))
}

/// Shows one of the caller's own transactions.
#[endpoint(tags("payments"))]
pub(crate) async fn show_transaction(
    app: AppState,
    user: SignedIn,
    id: Id<TransactionId>,
    view: View<TransactionOut>,
) -> ApiResult<Viewed<TransactionOut>> {
    let row = payments::find_own(&mut *app.db.read().await?, user.user.id, *id).await?;
    Ok(view.show(TransactionOut::from(row)))
}
