//! Gauges that are read from the database. Every process shows them: dashboards always take `max by`. None of them costs
//! more when more jobs wait.

use super::metrics;
use crate::error::Result;
use crate::jobs::{self, KindBacklog, Queue};
use crate::{App, Conn, escrow, ledger, listings, payments, subscriptions, switches, withdrawals};

/// Reads them all.
pub(super) async fn refresh(app: &App) -> Result<()> {
    pool(app);
    let conn = &mut app.db.read().await?;
    let dead = jobs::dead_by_kind(conn).await?;
    queues(conn, &dead).await?;
    kinds(conn, &dead).await?;
    for last in jobs::last_fires(conn).await? {
        metrics::CRON_LAST_FIRE.with_label_values(&[last.schedule.as_str()]).set(last.fired_at);
    }
    escrow::measure(conn).await?;
    payments::measure(conn).await?;
    subscriptions::measure(conn).await?;
    withdrawals::measure(conn).await?;
    listings::measure(conn, app.settings.windows.auto_approve_after).await?;
    ledger::measure(conn).await?;
    switches::measure(conn).await?;
    metrics::stamp(&metrics::GAUGES_READ);
    Ok(())
}

fn pool(app: &App) {
    let status = app.db.pool_status();
    let connections = |state: &str, number: usize| {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        metrics::DB_CONNECTIONS.with_label_values(&[state]).set(number);
    };
    connections("open", status.size);
    connections("idle", status.available);
    connections("allowed", status.max_size);
    metrics::DB_WAITING.set(i64::try_from(status.waiting).unwrap_or(i64::MAX));
}

async fn queues(conn: &mut Conn, dead: &[KindBacklog]) -> Result<()> {
    for row in jobs::backlog(conn).await? {
        let labels = [row.queue.as_str(), row.state.as_str()];
        metrics::JOB_DEPTH.with_label_values(&labels).set(row.depth);
        metrics::set_age(&metrics::JOB_OLDEST_AGE, &labels, row.oldest_age_ms);
        match row.state.as_str() {
            "ready" => {
                metrics::set_age(&metrics::RELAY_LAG, &[row.queue.as_str()], row.oldest_age_ms);
            }
            "dispatched" => {
                metrics::RELAY_WINDOW.with_label_values(&[row.queue.as_str()]).set(row.depth);
            }
            _ => {}
        }
    }
    for crew in jobs::crews(conn).await? {
        let queue = crew.queue.as_str();
        metrics::JOB_QUEUE_PAUSED.with_label_values(&[queue]).set(i64::from(crew.paused));
        metrics::JOB_WORKERS.with_label_values(&[queue, "active"]).set(crew.active);
        metrics::JOB_WORKERS.with_label_values(&[queue, "draining"]).set(crew.draining);
    }
    for queue in Queue::ALL {
        let labels = [queue.as_str(), "dead"];
        let here = || dead.iter().filter(|row| row.queue == queue.as_str());
        let oldest = here().map(|row| row.oldest_age_ms).max().unwrap_or(0);
        metrics::JOB_DEPTH.with_label_values(&labels).set(here().map(|row| row.depth).sum());
        metrics::set_age(&metrics::JOB_OLDEST_AGE, &labels, oldest);
        metrics::JOB_MAX_RUNTIME
            .with_label_values(&[queue.as_str()])
            .set(i64::try_from(queue.timeout().as_secs()).unwrap_or(0));
    }
    Ok(())
}

async fn kinds(conn: &mut Conn, dead: &[KindBacklog]) -> Result<()> {
    let known = jobs::registry().kinds();
    metrics::JOB_DEAD.reset();
    metrics::JOB_DEAD_OLDEST_AGE.reset();
    for kind in &known {
        metrics::JOB_DEAD.with_label_values(&[kind]).set(0);
        metrics::set_age(&metrics::JOB_DEAD_OLDEST_AGE, &[kind], 0);
    }
    for row in dead {
        metrics::JOB_DEAD.with_label_values(&[row.kind.as_str()]).set(row.depth);
        metrics::set_age(&metrics::JOB_DEAD_OLDEST_AGE, &[row.kind.as_str()], row.oldest_age_ms);
    }
    metrics::JOB_PROGRESS.reset();
    for row in jobs::long_work(conn).await? {
        metrics::JOB_PROGRESS.with_label_values(&[row.kind.as_str(), "done"]).set(row.done);
        metrics::JOB_PROGRESS.with_label_values(&[row.kind.as_str(), "due"]).set(row.due);
    }
    metrics::JOB_UNKNOWN_KIND.reset();
    for row in jobs::unknown_kinds(conn, &known).await? {
        metrics::JOB_UNKNOWN_KIND.with_label_values(&[row.kind.as_str()]).set(row.depth);
    }
    Ok(())
}
