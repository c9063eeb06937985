//! The plan a person has now.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::db::app_now;
use crate::error::Result;
use crate::ids::UserId;
use crate::schema::{subscription_plans, user_subscriptions};

/// The plan of everybody who pays for none: reference data that every installation has.
const FREE: &str = "free";

/// What a subscription brings.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = subscription_plans)]
pub struct Plan {
    /// `free`, `premium` or `pro`.
    pub slug: String,
    /// As people read it.
    pub name: String,
    /// What we keep of a sale, in basis points: 1000 is 10 %.
    pub commission_rate_bp: i32,
    /// Whether it is Premium or better.
    pub is_premium: bool,
    /// Whether it is Pro.
    pub is_pro: bool,
}

/// The plan of a person at this instant of business time: the one that lasts longest, or Free.
///
/// # Errors
/// The database's.
pub async fn current_plan(conn: &mut Conn, user: UserId) -> Result<Plan> {
    let theirs = user_subscriptions::plan_id
        .eq(subscription_plans::id)
        .and(user_subscriptions::user_id.eq(user))
        .and(user_subscriptions::start_date.le(app_now()))
        .and(user_subscriptions::end_date.gt(app_now()));
    let plan = subscription_plans::table
        .left_join(user_subscriptions::table.on(theirs))
        .filter(user_subscriptions::id.is_not_null().or(subscription_plans::slug.eq(FREE)))
        .order(user_subscriptions::end_date.desc().nulls_last())
        .select(Plan::as_select())
        .first(conn)
        .await?;
    Ok(plan)
}
