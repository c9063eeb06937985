//! A person's own deals.

use shared::escrow::EscrowStatus;
use shared::escrow::queries::{self, Filter, Order as ListOrder, Scope};

use super::shape::DealOut;
use crate::prelude::*;

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
