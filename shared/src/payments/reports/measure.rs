//! Whether the comparisons come to their end.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;

use super::row::Source;
use crate::Conn;
use crate::error::Result;
use crate::statement::statement;
use crate::telemetry::metrics;

/// Sets the gauge of every source, also of those where nothing runs.
pub(in crate::payments) async fn measure(conn: &mut Conn) -> Result<()> {
    #[derive(QueryableByName)]
    struct Running {
        #[diesel(sql_type = Text)]
        source: Source,
        #[diesel(sql_type = BigInt)]
        seconds: i64,
    }
    let running: Vec<Running> = statement(
        "SELECT source, greatest(extract(epoch FROM app_now() - min(started_at)), 0)::bigint AS seconds
         FROM provider_reports WHERE finished_at IS NULL GROUP BY source",
    )
    .load(conn)
    .await?;
    for source in Source::ALL {
        let found = running.iter().find(|row| row.source == *source);
        metrics::PROVIDER_REPORT_RUNNING
            .with_label_values(&[source.as_str()])
            .set(found.map_or(0, |row| row.seconds));
    }
    Ok(())
}

/// Shows every result before there is one.
pub(crate) fn show_zeros() {
    for source in Source::ALL {
        for result in ["agreed", "repaired", "disagreed"] {
            metrics::PROVIDER_REPORT_PAYMENTS.with_label_values(&[source.as_str(), result]);
        }
    }
}
