//! The plan a person has now.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Plan;
use crate::Conn;
use crate::db::app_now;
use crate::error::Result;
use crate::ids::UserId;
use crate::schema::{subscription_plans, user_subscriptions};

/// The plan of a person at this instant of business time: the one that lasts longest, or Free.
///
/// # Errors
/// The database's.
pub async fn current_plan(conn: &mut Conn, user: UserId) -> Result<Plan> {
    let theirs = user_subscriptions::plan_id
        .eq(subscription_plans::id)
        .and(user_subscriptions::user_id.eq(user))
        .and(user_subscriptions::start_date.le(app_now()))
        .and(user_subscriptions::rights_until.gt(app_now()));
    let plan = subscription_plans::table
        .left_join(user_subscriptions::table.on(theirs))
        .filter(user_subscriptions::id.is_not_null().or(subscription_plans::slug.eq(Plan::FREE)))
        .order(user_subscriptions::rights_until.desc().nulls_last())
        .select(Plan::as_select())
        .first(conn)
        .await?;
    Ok(plan)
}
