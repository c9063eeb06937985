//! Deals: buying, and what buyer and seller do with a deal. The UI calls a deal a trade.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::escrow::queries::{self, DealView, Filter, Order as ListOrder, Scope};
use shared::escrow::{self, CloseReason, Escrow, EscrowStatus, Opened, Order};
use shared::ids::{EscrowId, ListingId, TransactionId, UserId};
use shared::{App, Money, Outcome, payments};

use crate::prelude::*;

/// A deal.
#[derive(Serialize, ToSchema)]
pub(crate) struct DealOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: EscrowId,
    /// The same.
    #[salvo(schema(value_type = String, format = Uuid))]
    escrow_id: EscrowId,
    #[salvo(schema(value_type = String, format = Uuid))]
    listing: ListingId,
    /// The same.
    #[salvo(schema(value_type = String, format = Uuid))]
    listing_id: ListingId,
    listing_code: String,
    listing_title: String,
    game_name: String,
    #[salvo(schema(value_type = String, format = Uuid))]
    buyer: UserId,
    buyer_name: String,
    #[salvo(schema(value_type = String, format = Uuid))]
    seller: UserId,
    seller_name: String,
    /// What the buyer pays.
    #[salvo(schema(value_type = String))]
    amount: Money,
    /// What the platform keeps, by the seller's plan when the deal was made, rounded half-up.
    #[salvo(schema(value_type = String))]
    commission_amount: Money,
    /// What the seller gets.
    #[salvo(schema(value_type = String))]
    seller_earnings: Money,
    /// What the buyer got back.
    #[salvo(schema(value_type = String))]
    buyer_refund: Money,
    /// `pending_payment`, `paid`, `delivered`, `confirmed`, `disputed`, `refunded` or `cancelled`.
    #[salvo(schema(value_type = String))]
    status: EscrowStatus,
    /// The seller has handed the account over.
    seller_confirmed: bool,
    /// The buyer has received it.
    buyer_confirmed: bool,
    both_confirmed: bool,
    /// The seller gave up.
    seller_cancelled: bool,
    /// The buyer gave up.
    buyer_cancelled: bool,
    /// Unpaid by then, it is cancelled.
    #[salvo(schema(value_type = String, format = DateTime))]
    pay_by: DateTime<Utc>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    paid_at: Option<DateTime<Utc>>,
    /// Nothing handed over by then, the buyer may cancel.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    deliver_by: Option<DateTime<Utc>>,
    /// Nothing handed over by then, the buyer is refunded.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    refund_after: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    handed_over_at: Option<DateTime<Utc>>,
    /// The buyer silent by then, it counts as received.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    receive_by: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    buyer_confirmed_at: Option<DateTime<Utc>>,
    /// The seller is paid then, unless the buyer complains.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    release_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    seller_paid_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    admin_released_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    disputed_at: Option<DateTime<Utc>>,
    dispute_reason: Option<String>,
    dispute_resolution: Option<String>,
    /// Why it ended: `released`, `completed_by_staff`, `refunded_by_staff`, `resolved`, `seller_cancelled`,
    /// `buyer_cancelled`, `undelivered` or `unpaid`.
    #[salvo(schema(value_type = Option<String>))]
    close_reason: Option<CloseReason>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    closed_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    chat_room_id: Option<String>,
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
    #[salvo(schema(value_type = String, format = DateTime))]
    updated_at: DateTime<Utc>,
}

impl Shown for DealOut {}

impl From<DealView> for DealOut {
    fn from(view: DealView) -> Self {
        let DealView { escrow, item, buyer, seller } = view;
        let steps = TradeStatusOut::from(&escrow);
        Self {
            id: escrow.id,
            escrow_id: escrow.id,
            listing: escrow.listing_id,
            listing_id: escrow.listing_id,
            listing_code: item.code,
            listing_title: item.title,
            game_name: item.game_name,
            buyer: escrow.buyer_id,
            buyer_name: buyer.display_name().to_owned(),
            seller: escrow.seller_id,
            seller_name: seller.display_name().to_owned(),
            amount: escrow.amount,
            commission_amount: escrow.commission_amount,
            seller_earnings: escrow.seller_earnings,
            buyer_refund: escrow.buyer_refund,
            status: escrow.status,
            seller_confirmed: steps.seller_confirmed,
            buyer_confirmed: steps.buyer_confirmed,
            both_confirmed: steps.both_confirmed,
            seller_cancelled: steps.seller_cancelled,
            buyer_cancelled: steps.buyer_cancelled,
            pay_by: escrow.pay_by,
            paid_at: escrow.paid_at,
            deliver_by: escrow.deliver_by,
            refund_after: escrow.refund_after,
            handed_over_at: escrow.handed_over_at,
            receive_by: escrow.receive_by,
            buyer_confirmed_at: escrow.buyer_confirmed_at,
            release_at: escrow.release_at,
            seller_paid_at: escrow.seller_paid_at,
            admin_released_at: escrow.admin_released_at,
            disputed_at: escrow.disputed_at,
            dispute_reason: escrow.dispute_reason,
            dispute_resolution: escrow.dispute_resolution,
            close_reason: escrow.close_reason,
            closed_at: escrow.closed_at,
            chat_room_id: None,
            created_at: escrow.created_at,
            updated_at: escrow.updated_at,
        }
    }
}

/// How far a deal is, as the trade page asks for it.
#[derive(Serialize, ToSchema)]
pub(crate) struct TradeStatusOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    escrow_id: EscrowId,
    #[salvo(schema(value_type = String))]
    status: EscrowStatus,
    seller_confirmed: bool,
    buyer_confirmed: bool,
    seller_cancelled: bool,
    buyer_cancelled: bool,
    both_confirmed: bool,
    both_cancelled: bool,
    /// `seller`, `buyer` or `none`.
    waiting_for: &'static str,
}

impl Shown for TradeStatusOut {}

impl From<&Escrow> for TradeStatusOut {
    fn from(escrow: &Escrow) -> Self {
        let (seller_confirmed, buyer_confirmed) =
            (escrow.handed_over_at.is_some(), escrow.buyer_confirmed_at.is_some());
        let waiting_for = match escrow.status {
            EscrowStatus::Paid if !seller_confirmed => "seller",
            EscrowStatus::Paid | EscrowStatus::PendingPayment => "buyer",
            EscrowStatus::Delivered
            | EscrowStatus::Confirmed
            | EscrowStatus::Disputed
            | EscrowStatus::Refunded
            | EscrowStatus::Cancelled => "none",
        };
        Self {
            escrow_id: escrow.id,
            status: escrow.status,
            seller_confirmed,
            buyer_confirmed,
            seller_cancelled: escrow.close_reason == Some(CloseReason::SellerCancelled),
            buyer_cancelled: escrow.close_reason == Some(CloseReason::BuyerCancelled),
            both_confirmed: seller_confirmed && buyer_confirmed,
            both_cancelled: matches!(
                escrow.status,
                EscrowStatus::Refunded | EscrowStatus::Cancelled
            ),
            waiting_for,
        }
    }
}

/// What is bought, and how it is paid.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurchaseBody {
    #[salvo(schema(value_type = String, format = Uuid))]
    listing_id: ListingId,
    /// `balance` (when nothing is said), or the code of a payment method.
    #[validate(length(min = 1, max = 50))]
    payment_method: Option<String>,
    /// The price the buyer saw: another one now is 409 `PRICE_CHANGED`.
    #[salvo(schema(value_type = Option<String>))]
    expected_price: Option<Money>,
}

/// A deal that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct PurchaseOut {
    #[serde(flatten)]
    deal: DealOut,
    /// Where the payer goes now; none when the balance paid.
    payment_url: Option<String>,
    /// The deposit that will pay the deal; none when the balance paid.
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    transaction_id: Option<TransactionId>,
    /// The same for the frontend.
    data: PurchaseData,
}

/// What the frontend goes on with.
#[derive(Serialize, ToSchema)]
struct PurchaseData {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: EscrowId,
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    chat_room_id: Option<String>,
}

impl PurchaseOut {
    fn new(
        app: &App,
        user: &SignedIn,
        method: &str,
        opened: &Opened,
        view: DealView,
    ) -> shared::Result<Self> {
        let url = |deposit| payments::payment_url(app, deposit, method, user.user.language);
        let data = PurchaseData { id: opened.escrow.id, chat_room_id: None };
        Ok(Self {
            deal: view.into(),
            payment_url: opened.deposit.as_ref().map(url).transpose()?,
            transaction_id: opened.deposit.as_ref().map(|deposit| deposit.id),
            data,
        })
    }
}

/// Buys a listing. From the balance the deal is paid at once; by a provider it waits for its payment. The same buyer
/// again gets the same deal.
#[endpoint(tags("deals"), responses((status_code = 402, description = "INSUFFICIENT_FUNDS")))]
pub(crate) async fn purchase(
    app: AppState,
    user: SignedIn,
    body: Body<PurchaseBody>,
) -> ApiResult<NewOrSame<PurchaseOut>> {
    let method = body.payment_method.as_deref().unwrap_or("balance");
    let order = Order {
        listing_id: body.listing_id,
        payment_method: method,
        expected_price: body.expected_price,
    };
    let (opened, view) = app
        .db
        .transaction(async |tx| {
            let opened = escrow::open(tx, &app, &user, order).await?;
            let view = queries::find(tx, opened.escrow.id).await?;
            Ok((opened, view))
        })
        .await?;
    let bought = PurchaseOut::new(&app, &user, method, &opened, view)?;
    Ok(match opened.outcome {
        Outcome::Done => NewOrSame::New(bought),
        Outcome::AlreadyDone => NewOrSame::Same(bought),
    })
}

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

/// The seller hands the account over: from now on the buyer can read how to sign in to it.
#[endpoint(tags("deals"))]
pub(crate) async fn hand_over(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
) -> ApiResult<Json<DealOut>> {
    let windows = &app.settings.windows;
    let deal = app
        .db
        .transaction(async |tx| {
            escrow::hand_over(tx, windows, user.user.id, *id).await?;
            queries::find(tx, *id).await
        })
        .await?;
    Ok(Json(deal.into()))
}

/// The buyer has received the account: the seller is paid when the window for complaints closes.
#[endpoint(tags("deals"))]
pub(crate) async fn confirm_receipt(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
) -> ApiResult<Json<DealOut>> {
    let windows = &app.settings.windows;
    let deal = app
        .db
        .transaction(async |tx| {
            escrow::confirm_receipt(tx, windows, user.user.id, *id).await?;
            queries::find(tx, *id).await
        })
        .await?;
    Ok(Json(deal.into()))
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
) -> ApiResult<Json<DealOut>> {
    let deal = app
        .db
        .transaction(async |tx| {
            escrow::give_up(tx, user.user.id, *id, body.reason()).await?;
            queries::find(tx, *id).await
        })
        .await?;
    Ok(Json(deal.into()))
}

/// The buyer gives up: an unpaid deal at any time, a paid one when nothing was handed over by `deliver_by`.
#[endpoint(tags("deals"))]
pub(crate) async fn cancel_by_buyer(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
    body: OptionalBody<CancelBody>,
) -> ApiResult<Json<DealOut>> {
    let deal = app
        .db
        .transaction(async |tx| {
            escrow::cancel_by_buyer(tx, user.user.id, *id, body.reason()).await?;
            queries::find(tx, *id).await
        })
        .await?;
    Ok(Json(deal.into()))
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
) -> ApiResult<Json<DealOut>> {
    let deal = app
        .db
        .transaction(async |tx| {
            escrow::dispute(tx, user.user.id, *id, &body.reason).await?;
            queries::find(tx, *id).await
        })
        .await?;
    Ok(Json(deal.into()))
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

/// A person's own deals.
pub(crate) struct OwnDeals;

impl Listed for OwnDeals {
    type Item = DealOut;
    type Order = ListOrder;
    type Filters = Filter;
    const ORDERINGS: &'static [(&'static str, ListOrder)] = &[
        ("created_at", ListOrder::Oldest),
        ("-created_at", ListOrder::Newest),
        ("amount", ListOrder::Smallest),
        ("-amount", ListOrder::Largest),
    ];
    const DEFAULT_ORDER: ListOrder = ListOrder::Newest;
    // The profile shows all and never pages.
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(query: &mut Query) -> Filter {
        Filter {
            status: query.one_of("status", EscrowStatus::ALL, EscrowStatus::as_str),
            search: None,
        }
    }
}

/// Lists what the caller bought.
#[endpoint(tags("profile"))]
pub(crate) async fn list_purchases(
    app: AppState,
    user: SignedIn,
    list: List<OwnDeals>,
) -> ApiResult<Paged<DealOut>> {
    let conn = &mut app.db.read().await?;
    let page = queries::list(
        conn,
        Scope::PurchasesOf(user.user.id),
        &list.filters,
        list.order,
        list.window,
    )
    .await?;
    Ok(list.page(page.map(DealOut::from)))
}

/// Lists what the caller sold.
#[endpoint(tags("profile"))]
pub(crate) async fn list_sales(
    app: AppState,
    user: SignedIn,
    list: List<OwnDeals>,
) -> ApiResult<Paged<DealOut>> {
    let conn = &mut app.db.read().await?;
    let page =
        queries::list(conn, Scope::SalesOf(user.user.id), &list.filters, list.order, list.window)
            .await?;
    Ok(list.page(page.map(DealOut::from)))
}
