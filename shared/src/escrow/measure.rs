//! What operators watch: the money that is held, and releases that are late.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::error::Result;
use crate::statement::statement;
use crate::telemetry::metrics;

#[derive(QueryableByName)]
struct Figures {
    #[diesel(sql_type = BigInt)]
    held: i64,
    #[diesel(sql_type = BigInt)]
    held_uzs: i64,
    #[diesel(sql_type = BigInt)]
    overdue: i64,
    #[diesel(sql_type = BigInt)]
    overdue_max_seconds: i64,
    #[diesel(sql_type = BigInt)]
    disputed: i64,
    #[diesel(sql_type = BigInt)]
    disputes_overdue: i64,
}

/// Sets the gauges of deals.
pub(crate) async fn measure(conn: &mut Conn) -> Result<()> {
    let figures: Figures = statement(
        "SELECT count(*) AS held, coalesce(floor(sum(amount)), 0)::bigint AS held_uzs,
                count(*) FILTER (WHERE status = 'delivered' AND release_at < app_now()) AS overdue,
                greatest(0, coalesce(extract(epoch FROM max(app_now() - release_at) FILTER (WHERE status = 'delivered')), 0))::bigint
                    AS overdue_max_seconds,
                count(*) FILTER (WHERE status = 'disputed') AS disputed,
                count(*) FILTER (WHERE status = 'disputed' AND disputed_at < app_now() - interval '14 days') AS disputes_overdue
         FROM escrows WHERE status IN ('paid', 'delivered', 'disputed')",
    )
    .get_result(conn)
    .await?;
    metrics::ESCROW_HELD_COUNT.set(figures.held);
    metrics::ESCROW_HELD_AMOUNT.set(figures.held_uzs);
    metrics::ESCROW_OVERDUE_COUNT.set(figures.overdue);
    metrics::ESCROW_OVERDUE_MAX.set(figures.overdue_max_seconds);
    metrics::ESCROW_DISPUTED_COUNT.set(figures.disputed);
    metrics::ESCROW_DISPUTES_OVERDUE.set(figures.disputes_overdue);
    Ok(())
}
