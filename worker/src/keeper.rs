//! Keeps the platform honest: renews leases, announces slots, rescues what a lost worker or message left behind.

use std::sync::Arc;
use std::time::Duration;

use shared::error::Result;
use shared::jobs::{self, Queue};
use shared::telemetry::metrics;

use crate::engine::Engine;
use crate::lane::millis;

/// Renews the leases of everything that runs here, four times per lease, also while draining.
pub(crate) async fn renew(engine: Arc<Engine>) {
    let lease = engine.app.settings.jobs.lease;
    loop {
        tokio::time::sleep(lease / 4).await;
        let held = engine.running.leases();
        if held.is_empty() {
            continue;
        }
        let renewed = async {
            let conn = &mut engine.app.db.read().await?;
            jobs::renew(conn, &held, millis(lease)).await
        };
        match renewed.await {
            Ok(lost) => lost.into_iter().for_each(|job| engine.running.lose(job)),
            // The fencing token decides if this lasts.
            Err(error) => {
                tracing::warn!(target: "jobs", error = error.causes(), "leases were not renewed");
            }
        }
    }
}

/// Announces the slots of this worker and sweeps up lost work.
pub(crate) async fn sweep(engine: Arc<Engine>) {
    let queues: Vec<Queue> = engine.lanes.iter().map(|lane| lane.queue).collect();
    while !engine.draining.is_cancelled() {
        match sweep_once(&engine, &queues).await {
            Ok(()) => engine.announced(),
            Err(error) => tracing::warn!(target: "jobs", error = error.causes(), "sweep failed"),
        }
        tokio::select! {
            () = engine.draining.cancelled() => return,
            () = tokio::time::sleep(engine.app.settings.jobs.sweep_every) => {}
        }
    }
}

async fn sweep_once(engine: &Engine, queues: &[Queue]) -> Result<()> {
    let conn = &mut engine.app.db.read().await?;
    jobs::announce(conn, &engine.name, queues).await?;
    let mut found = 0;
    for rescued in jobs::rescue(conn).await? {
        found += 1;
        metrics::JOB_RESCUED.with_label_values(&["lease"]).inc();
        if rescued.state == "dead" {
            tracing::error!(target: "jobs", kind = rescued.kind, "a job that keeps losing its worker is dead");
            metrics::JOB_FINISHED
                .with_label_values(&[rescued.kind.as_str(), rescued.queue.as_str(), "dead"])
                .inc();
        }
    }
    for queue in queues {
        let patience = queue.timeout() + engine.app.settings.jobs.dispatch_grace;
        let offered = jobs::offer_again(conn, *queue, seconds(patience)).await?;
        if offered > 0 {
            found += offered;
            tracing::warn!(target: "jobs", %queue, offered, "handed-out jobs never started and are offered again");
            metrics::JOB_RESCUED
                .with_label_values(&["dispatch_timeout"])
                .inc_by(u64::try_from(offered).unwrap_or(0));
        }
    }
    if found > 0 {
        engine.lanes.iter().for_each(|lane| lane.bell.notify_one());
    }
    Ok(())
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
