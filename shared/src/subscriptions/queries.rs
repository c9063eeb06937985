//! Reading plans, and a person's own subscription.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Plan, Subscription, current_plan};
use crate::Conn;
use crate::error::Result;
use crate::ids::UserId;
use crate::page::{Page, Window};
use crate::schema::subscription_plans;

/// A subscription with the plans it speaks of.
#[derive(Clone, Debug)]
pub struct SubscriptionView {
    /// The row.
    pub subscription: Subscription,
    /// Its plan.
    pub plan: Plan,
    /// The plan of the period after the running one.
    pub next_plan: Plan,
}

/// What a person has.
#[derive(Clone, Debug)]
pub struct Mine {
    /// The plan they have now.
    pub plan: Plan,
    /// The subscription they began last, whatever became of it; none when they never had one.
    pub subscription: Option<SubscriptionView>,
}

/// One window of the plans that are sold, in their order.
///
/// # Errors
/// The database's.
pub async fn plans(conn: &mut Conn, window: Window) -> Result<Page<Plan>> {
    let rows = Plan::query()
        .filter(subscription_plans::is_active)
        .order((subscription_plans::sort_order, subscription_plans::slug))
        .limit(window.limit)
        .offset(window.offset)
        .load(conn)
        .await?;
    let count = subscription_plans::table
        .filter(subscription_plans::is_active)
        .count()
        .get_result(conn)
        .await?;
    Ok(Page { rows, count })
}

/// What a person has now.
///
/// # Errors
/// The database's.
pub async fn mine(conn: &mut Conn, user: UserId) -> Result<Mine> {
    let plan = current_plan(conn, user).await?;
    let subscription = match Subscription::find_last(conn, user).await? {
        Some(subscription) => Some(view(conn, subscription).await?),
        None => None,
    };
    Ok(Mine { plan, subscription })
}

/// A subscription with its plans.
///
/// # Errors
/// The database's.
pub async fn view(conn: &mut Conn, subscription: Subscription) -> Result<SubscriptionView> {
    let plan = Plan::find(conn, subscription.plan_id).await?;
    let next_plan = match subscription.next_plan_id {
        Some(next) => Plan::find(conn, next).await?,
        None => plan.clone(),
    };
    Ok(SubscriptionView { subscription, plan, next_plan })
}
