//! The figures of deposits that wait for their provider.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;

use super::{cases, reports};
use crate::Conn;
use crate::error::Result;
use crate::statement::statement;
use crate::telemetry::metrics;

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    oldest_seconds: i64,
}

/// Sets the gauges of every payment method, also of those where nothing waits. Abandoned payment pages (`pending`)
/// do not count: nobody has promised money there.
///
/// # Errors
/// The database's.
pub(crate) async fn measure(conn: &mut Conn) -> Result<()> {
    let rows: Vec<Waiting> = statement(
        "SELECT m.code AS provider, count(t.id) AS count,
                greatest(coalesce(extract(epoch FROM app_now() - min(t.created_at)), 0), 0)::bigint AS oldest_seconds
         FROM payment_methods m
         LEFT JOIN transactions t ON t.payment_method_id = m.id AND t.type = 'deposit' AND t.status = 'processing'
         GROUP BY m.code",
    )
    .load(conn)
    .await?;
    for row in rows {
        metrics::DEPOSIT_PENDING_COUNT.with_label_values(&[row.provider.as_str()]).set(row.count);
        metrics::DEPOSIT_PENDING_OLDEST
            .with_label_values(&[row.provider.as_str()])
            .set(row.oldest_seconds);
    }
    reports::measure(conn).await?;
    cases::measure(conn).await
}
