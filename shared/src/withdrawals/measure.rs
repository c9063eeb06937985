//! What operators watch: the money that is on its way, and what nobody knows about.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::error::Result;
use crate::statement::statement;
use crate::telemetry::metrics;

#[derive(QueryableByName)]
struct InFlight {
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = BigInt)]
    unknown: i64,
    #[diesel(sql_type = BigInt)]
    oldest_seconds: i64,
}

/// Sets the gauges of withdrawals, zeros included. In flight is what a worker has begun and nobody has settled.
///
/// # Errors
/// The database's.
pub(crate) async fn measure(conn: &mut Conn) -> Result<()> {
    let rows: Vec<InFlight> = statement(
        "SELECT p.provider, count(t.id) AS count, coalesce(floor(sum(t.amount)), 0)::bigint AS amount,
                count(t.id) FILTER (WHERE w.outcome_unknown_at IS NOT NULL) AS unknown,
                greatest(coalesce(extract(epoch FROM app_now() - min(coalesce(w.sent_at, t.updated_at))), 0), 0)::bigint
                    AS oldest_seconds
         FROM unnest(ARRAY['uzcard', 'humo']) AS p (provider)
         LEFT JOIN withdrawals w ON w.card_type = p.provider AND w.settled_at IS NULL
         LEFT JOIN transactions t ON t.id = w.transaction_id AND t.status = 'processing'
         GROUP BY p.provider",
    )
    .load(conn)
    .await?;
    for row in &rows {
        let label = [row.provider.as_str()];
        metrics::WITHDRAWAL_IN_FLIGHT_COUNT.with_label_values(&label).set(row.count);
        metrics::WITHDRAWAL_IN_FLIGHT_AMOUNT.with_label_values(&label).set(row.amount);
    }
    let oldest = rows.iter().map(|row| row.oldest_seconds).max().unwrap_or(0);
    metrics::WITHDRAWAL_IN_FLIGHT_OLDEST.set(oldest);
    metrics::WITHDRAWAL_UNKNOWN.set(rows.iter().map(|row| row.unknown).sum());
    Ok(())
}
