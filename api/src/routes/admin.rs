//! What staff do: moderate listings, settle deals.

use shared::Money;
use shared::escrow::queries::{
    self as deals, DealView, Filter as DealFilter, Order as DealOrder, Person, Scope as DealScope,
};
use shared::escrow::{self, EscrowStatus, Resolution, Winner};
use shared::ids::{EscrowId, ListingId, UserId};
use shared::listings::queries::{self, Filter, Order, Scope};
use shared::listings::{self, ListingStatus};

use super::escrows::DealOut;
use super::listings::{ListingOut, Reader};
use crate::prelude::*;

/// All listings, for staff.
pub(crate) struct AllListings;

impl Listed for AllListings {
    type Item = ListingOut;
    type Order = Order;
    type Filters = Filter;
    const ORDERINGS: &'static [(&'static str, Order)] = &[
        ("created_at", Order::Oldest),
        ("-created_at", Order::Newest),
        ("price", Order::Cheapest),
        ("-price", Order::Dearest),
    ];
    const DEFAULT_ORDER: Order = Order::Newest;
    // The panel shows all and never pages.
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(query: &mut Query) -> Filter {
        Filter {
            game: query.text("game"),
            seller: query.text("seller"),
            status: query.one_of("status", ListingStatus::ALL, ListingStatus::as_str),
            search: query.text("search"),
            ..Filter::default()
        }
    }
}

/// Lists all listings, newest first.
#[endpoint(tags("admin"))]
pub(crate) async fn list_all_listings(
    app: AppState,
    _staff: Moderator,
    list: List<AllListings>,
) -> ApiResult<Paged<ListingOut>> {
    let conn = &mut app.db.read().await?;
    let page =
        queries::list(conn, Scope::Everything, &list.filters, list.order, list.window).await?;
    Ok(list.page(page.map(|view| ListingOut::new(view, Reader::Staff))))
}

/// Listings that wait for a moderator.
pub(crate) struct WaitingListings;

impl Listed for WaitingListings {
    type Item = ListingOut;
    type Order = Order;
    type Filters = Filter;
    const ORDERINGS: &'static [(&'static str, Order)] =
        &[("created_at", Order::Oldest), ("-created_at", Order::Newest)];
    const DEFAULT_ORDER: Order = Order::Oldest;
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(query: &mut Query) -> Filter {
        Filter {
            search: query.text("search"),
            status: Some(ListingStatus::Pending),
            ..Filter::default()
        }
    }
}

/// Lists what waits for a moderator, the longest waiting first.
#[endpoint(tags("admin"))]
pub(crate) async fn list_waiting_listings(
    app: AppState,
    _staff: Moderator,
    list: List<WaitingListings>,
) -> ApiResult<Paged<ListingOut>> {
    let conn = &mut app.db.read().await?;
    let page =
        queries::list(conn, Scope::Everything, &list.filters, list.order, list.window).await?;
    Ok(list.page(page.map(|view| ListingOut::new(view, Reader::Staff))))
}

/// Lets a waiting listing be seen.
#[endpoint(tags("admin"))]
pub(crate) async fn approve_listing(
    app: AppState,
    staff: Moderator,
    id: Id<ListingId>,
) -> ApiResult<Json<ListingOut>> {
    let view = app
        .db
        .transaction(async |tx| {
            listings::approve(tx, staff.user.id, *id).await?;
            queries::find(tx, *id, Some(&staff.user)).await
        })
        .await?;
    Ok(Json(ListingOut::new(view, Reader::Staff)))
}

/// Why a listing may not be seen.
#[derive(Default, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonBody {
    /// At most 2,000 characters.
    reason: Option<String>,
}

/// Refuses a waiting listing. Without a reason it also takes an active one down.
#[endpoint(tags("admin"))]
pub(crate) async fn reject_listing(
    app: AppState,
    staff: Moderator,
    id: Id<ListingId>,
    body: OptionalBody<ReasonBody>,
) -> ApiResult<Json<ListingOut>> {
    let reason = body.reason.as_deref().unwrap_or_default();
    let view = app
        .db
        .transaction(async |tx| {
            listings::reject(tx, staff.user.id, *id, reason).await?;
            queries::find(tx, *id, Some(&staff.user)).await
        })
        .await?;
    Ok(Json(ListingOut::new(view, Reader::Staff)))
}

/// Takes a listing down. The money of a deal on it stays held until staff decide.
#[endpoint(tags("admin"))]
pub(crate) async fn block_listing(
    app: AppState,
    staff: Moderator,
    id: Id<ListingId>,
    body: OptionalBody<ReasonBody>,
) -> ApiResult<Json<ListingOut>> {
    let reason = body.reason.as_deref().unwrap_or_default();
    let view = app
        .db
        .transaction(async |tx| {
            listings::block(tx, staff.user.id, *id, reason).await?;
            queries::find(tx, *id, Some(&staff.user)).await
        })
        .await?;
    Ok(Json(ListingOut::new(view, Reader::Staff)))
}

/// A deal with what staff need to reach its parties.
#[derive(Serialize, ToSchema)]
pub(crate) struct TradeOut {
    #[serde(flatten)]
    deal: DealOut,
    /// What people call it: the end of its id.
    trade_code: String,
    listing_game: String,
    #[salvo(schema(value_type = String, format = Uuid))]
    buyer_id: UserId,
    buyer_username: Option<String>,
    buyer_email: String,
    buyer_phone: Option<String>,
    buyer_telegram: Option<String>,
    #[salvo(schema(value_type = String, format = Uuid))]
    seller_id: UserId,
    seller_username: Option<String>,
    seller_email: String,
    seller_phone: Option<String>,
    seller_telegram: Option<String>,
    /// What the first member of staff decided about a large deal; somebody else must decide the same. Details only.
    awaits_second_decision: Option<FirstDecisionOut>,
}

/// A decision that waits for a second member of staff.
#[derive(Serialize, ToSchema)]
struct FirstDecisionOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    by: UserId,
    /// What would go back to the buyer.
    #[salvo(schema(value_type = String))]
    refund: Money,
}

impl TradeOut {
    /// A deal with the decision that waits for a second one.
    async fn load(conn: &mut shared::Conn, id: EscrowId) -> shared::Result<Self> {
        let deal = deals::find(conn, id).await?;
        let first =
            if deal.escrow.holds_money() { escrow::first_decision(conn, id).await? } else { None };
        let awaits_second_decision =
            first.map(|first| FirstDecisionOut { by: first.staff_id, refund: first.refund });
        Ok(Self { awaits_second_decision, ..deal.into() })
    }
}

impl Shown for TradeOut {}

impl From<DealView> for TradeOut {
    fn from(view: DealView) -> Self {
        let Person {
            id: buyer_id,
            email: buyer_email,
            username: buyer_username,
            phone_number: buyer_phone,
            telegram_username: buyer_telegram,
            ..
        } = view.buyer.clone();
        let Person {
            id: seller_id,
            email: seller_email,
            username: seller_username,
            phone_number: seller_phone,
            telegram_username: seller_telegram,
            ..
        } = view.seller.clone();
        let id = view.escrow.id.0.simple().to_string();
        Self {
            trade_code: format!("TR-{}", id.get(24..).unwrap_or(&id).to_uppercase()),
            listing_game: view.item.game_name.clone(),
            deal: view.into(),
            buyer_id,
            buyer_username,
            buyer_email,
            buyer_phone,
            buyer_telegram,
            seller_id,
            seller_username,
            seller_email,
            seller_phone,
            seller_telegram,
            awaits_second_decision: None,
        }
    }
}

/// All deals, for staff.
pub(crate) struct AllDeals;

/// The statuses the panel asks for; `all` is none of them.
const STATUSES: [(&str, Option<EscrowStatus>); 8] = [
    ("all", None),
    ("pending_payment", Some(EscrowStatus::PendingPayment)),
    ("paid", Some(EscrowStatus::Paid)),
    ("delivered", Some(EscrowStatus::Delivered)),
    ("confirmed", Some(EscrowStatus::Confirmed)),
    ("disputed", Some(EscrowStatus::Disputed)),
    ("refunded", Some(EscrowStatus::Refunded)),
    ("cancelled", Some(EscrowStatus::Cancelled)),
];

impl Listed for AllDeals {
    type Item = TradeOut;
    type Order = DealOrder;
    type Filters = DealFilter;
    const ORDERINGS: &'static [(&'static str, DealOrder)] = &[
        ("priority", DealOrder::Queue),
        ("created_at", DealOrder::Oldest),
        ("-created_at", DealOrder::Newest),
        ("amount", DealOrder::Smallest),
        ("-amount", DealOrder::Largest),
    ];
    const DEFAULT_ORDER: DealOrder = DealOrder::Queue;
    // The panel shows all and never pages.
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(query: &mut Query) -> DealFilter {
        let status =
            query.one_of("status", &STATUSES, |(name, _)| name).and_then(|(_, status)| status);
        DealFilter { status, search: query.text("search") }
    }
}

/// Lists all deals: disputes of Pro subscribers first, then of Premium ones, and the rest newest first.
#[endpoint(tags("admin"))]
pub(crate) async fn list_deals(
    app: AppState,
    _staff: Staff,
    list: List<AllDeals>,
) -> ApiResult<Paged<TradeOut>> {
    let conn = &mut app.db.read().await?;
    let page =
        deals::list(conn, DealScope::Everything, &list.filters, list.order, list.window).await?;
    Ok(list.page(page.map(TradeOut::from)))
}

/// Shows any deal.
#[endpoint(tags("admin"))]
pub(crate) async fn show_any_deal(
    app: AppState,
    _staff: Staff,
    id: Id<EscrowId>,
    view: View<TradeOut>,
) -> ApiResult<Viewed<TradeOut>> {
    let deal = TradeOut::load(&mut *app.db.read().await?, *id).await?;
    Ok(view.show(deal))
}

/// Gives the buyer everything back.
#[endpoint(tags("admin"))]
pub(crate) async fn refund_deal(
    app: AppState,
    staff: Moderator,
    id: Id<EscrowId>,
    once: Once,
) -> ApiResult<Replayable<Json<TradeOut>>> {
    once.answer(&app, async |tx| {
        escrow::refund(tx, app.settings.two_staff_above, staff.user.id, *id).await?;
        Ok(Json(TradeOut::load(tx, *id).await?))
    })
    .await
}

/// Pays the seller early.
#[endpoint(tags("admin"))]
pub(crate) async fn complete_deal(
    app: AppState,
    staff: Moderator,
    id: Id<EscrowId>,
    once: Once,
) -> ApiResult<Replayable<Json<TradeOut>>> {
    once.answer(&app, async |tx| {
        escrow::complete(tx, app.settings.two_staff_above, staff.user.id, *id).await?;
        Ok(Json(TradeOut::load(tx, *id).await?))
    })
    .await
}

/// How many deals are where.
#[derive(Serialize, ToSchema)]
pub(crate) struct TradeStatsOut {
    /// Whose money is held.
    active_trades: i64,
    /// Paid, and nothing handed over.
    pending_delivery: i64,
    /// Waiting for staff.
    disputed: i64,
    /// Sold today, in Tashkent.
    completed_today: i64,
}

/// Counts the deals.
#[endpoint(tags("admin"))]
pub(crate) async fn deal_stats(app: AppState, _staff: Staff) -> ApiResult<Json<TradeStatsOut>> {
    let stats = escrow::stats(&mut *app.db.read().await?).await?;
    Ok(Json(TradeStatsOut {
        active_trades: stats.active,
        pending_delivery: stats.pending_delivery,
        disputed: stats.disputed,
        completed_today: stats.completed_today,
    }))
}

/// Why staff stop a deal.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct StopBody {
    /// 1 to 2,000 characters.
    #[validate(length(min = 1, max = 2000))]
    reason: String,
}

/// Stops a deal whose money is held, to decide about it.
#[endpoint(tags("admin"))]
pub(crate) async fn dispute_deal(
    app: AppState,
    staff: Moderator,
    id: Id<EscrowId>,
    body: Body<StopBody>,
    once: Once,
) -> ApiResult<Replayable<Json<TradeOut>>> {
    once.answer(&app, async |tx| {
        escrow::dispute_by_staff(tx, staff.user.id, *id, &body.reason).await?;
        Ok(Json(TradeOut::load(tx, *id).await?))
    })
    .await
}

/// Who is right.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveBody {
    /// `buyer` or `seller`.
    #[salvo(schema(value_type = String))]
    winner: Winner,
    /// At most 2,000 characters.
    note: Option<String>,
    /// Given, the money is split: this much goes back to the buyer.
    #[salvo(schema(value_type = Option<String>))]
    refund_amount: Option<Money>,
}

/// Settles a deal by a decision: all to the winner, or a split.
#[endpoint(tags("admin"))]
pub(crate) async fn resolve_dispute(
    app: AppState,
    staff: Moderator,
    id: Id<EscrowId>,
    body: Body<ResolveBody>,
    once: Once,
) -> ApiResult<Replayable<Json<TradeOut>>> {
    let note = body.note.as_deref().unwrap_or_default().trim();
    let resolution = Resolution { winner: body.winner, note, refund_amount: body.refund_amount };
    once.answer(&app, async |tx| {
        let limit = app.settings.two_staff_above;
        escrow::resolve_dispute(tx, limit, staff.user.id, *id, resolution).await?;
        Ok(Json(TradeOut::load(tx, *id).await?))
    })
    .await
}
