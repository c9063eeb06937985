//! Gauges that are read from the database. Every process shows them: dashboards always take `max by`.

use super::metrics;
use crate::error::Result;
use crate::jobs::{self, Queue};
use crate::{App, escrow, ledger, payments};

/// Reads them all.
pub(super) async fn refresh(app: &App) -> Result<()> {
    let status = app.db.pool_status();
    metrics::DB_CONNECTIONS
        .with_label_values(&["open"])
        .set(i64::try_from(status.size).unwrap_or(0));
    metrics::DB_CONNECTIONS
        .with_label_values(&["idle"])
        .set(i64::try_from(status.available).unwrap_or(0));
    metrics::DB_WAITING.set(i64::try_from(status.waiting).unwrap_or(0));

    let conn = &mut app.db.read().await?;
    queues(conn).await?;
    escrow::measure(conn).await?;
    payments::measure(conn).await?;
    ledger::measure(conn).await
}

async fn queues(conn: &mut crate::Conn) -> Result<()> {
    let backlog = jobs::backlog(conn).await?;
    for queue in Queue::ALL {
        for state in ["ready", "scheduled", "dispatched", "running", "dead"] {
            let labels = [queue.as_str(), state];
            let row = backlog.iter().find(|row| row.queue == labels[0] && row.state == state);
            metrics::JOB_DEPTH.with_label_values(&labels).set(row.map_or(0, |row| row.depth));
            metrics::set_age(
                &metrics::JOB_OLDEST_AGE,
                &labels,
                row.map_or(0, |row| row.oldest_age_ms),
            );
            match state {
                "ready" => metrics::set_age(
                    &metrics::RELAY_LAG,
                    &[queue.as_str()],
                    row.map_or(0, |row| row.oldest_age_ms),
                ),
                "dispatched" => metrics::RELAY_WINDOW
                    .with_label_values(&[queue.as_str()])
                    .set(row.map_or(0, |row| row.depth)),
                _ => {}
            }
        }
        metrics::JOB_MAX_RUNTIME
            .with_label_values(&[queue.as_str()])
            .set(i64::try_from(queue.timeout().as_secs()).unwrap_or(0));
    }
    metrics::JOB_DEAD.reset();
    metrics::JOB_DEAD_OLDEST_AGE.reset();
    for row in jobs::dead_by_kind(conn).await? {
        metrics::JOB_DEAD.with_label_values(&[row.kind.as_str()]).set(row.depth);
        metrics::set_age(&metrics::JOB_DEAD_OLDEST_AGE, &[row.kind.as_str()], row.oldest_age_ms);
    }
    metrics::JOB_UNKNOWN_KIND.reset();
    for row in jobs::unknown_kinds(conn, &jobs::registry().kinds()).await? {
        metrics::JOB_UNKNOWN_KIND.with_label_values(&[row.kind.as_str()]).set(row.depth);
    }
    Ok(())
}
