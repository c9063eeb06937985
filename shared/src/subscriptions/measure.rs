//! What operators watch: who subscribes, and ends that nobody has dealt with.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::error::Result;
use crate::statement::statement;
use crate::telemetry::metrics;

#[derive(QueryableByName)]
struct Subscribers {
    #[diesel(sql_type = Text)]
    plan: String,
    #[diesel(sql_type = BigInt)]
    running: i64,
}

#[derive(QueryableByName)]
struct Overdue {
    #[diesel(sql_type = BigInt)]
    ends: i64,
}

/// Sets the gauges of subscriptions, also of plans that nobody has. An end is overdue when its timer is ten minutes late.
///
/// # Errors
/// The database's.
pub async fn measure(conn: &mut Conn) -> Result<()> {
    let plans: Vec<Subscribers> = statement(
        "SELECT p.slug AS plan, count(s.id) AS running FROM subscription_plans p
         LEFT JOIN user_subscriptions s ON s.plan_id = p.id AND s.status IN ('active', 'cancelled') AND s.rights_until > app_now()
         WHERE p.slug <> 'free' GROUP BY p.slug",
    )
    .load(conn)
    .await?;
    for Subscribers { plan, running } in plans {
        metrics::SUBSCRIPTIONS_RUNNING.with_label_values(&[plan.as_str()]).set(running);
    }
    let overdue: Overdue = statement(
        "SELECT count(*) AS ends FROM user_subscriptions
         WHERE status IN ('active', 'cancelled') AND end_date <= app_now() - interval '10 minutes'
         AND coalesce(retry_at, end_date) <= app_now() - interval '10 minutes'",
    )
    .get_result(conn)
    .await?;
    metrics::SUBSCRIPTIONS_OVERDUE.set(overdue.ends);
    Ok(())
}
