//! Keeps the platform honest: renews leases, announces slots, rescues what a lost worker or message left behind.

use std::sync::Arc;
use std::time::Duration;

use shared::Conn;
use shared::error::Result;
use shared::ids::JobId;
use shared::jobs::{self, Presence};
use shared::telemetry::metrics;

use crate::engine::Engine;
use crate::lane::{count, millis};
use crate::running::Stop;

/// Renews the leases of everything that runs here, four times per lease, also while draining; and stops what is another
/// worker's by now, or what an operator wants stopped. Over a connection of its own: a lease must not run out because
/// the runs hold all of the pool.
pub(crate) async fn renew(engine: Arc<Engine>) {
    let settings = &engine.app.settings;
    let mut own: Option<Conn> = None;
    loop {
        tokio::time::sleep(settings.jobs.lease / 4).await;
        let held = engine.running.leases();
        if held.is_empty() {
            continue;
        }
        match renew_once(&engine, &mut own, &held).await {
            Ok((lost, unwanted)) => {
                lost.into_iter().for_each(|job| engine.running.stop(job, Stop::Lost));
                unwanted.into_iter().for_each(|job| engine.running.stop(job, Stop::Cancelled));
            }
            // The fencing token decides if this lasts.
            Err(error) => {
                own = None;
                tracing::warn!(target: "jobs", error = error.causes(), "leases were not renewed");
            }
        }
    }
}

/// Renews once; returns the jobs that are lost, and those that an operator wants stopped.
async fn renew_once(
    engine: &Engine,
    own: &mut Option<Conn>,
    held: &[(JobId, i64)],
) -> Result<(Vec<JobId>, Vec<JobId>)> {
    let settings = &engine.app.settings;
    let conn = match own {
        Some(conn) => conn,
        None => own.insert(engine.app.db.connect_apart(&settings.database).await?),
    };
    let lost = jobs::renew(conn, held, millis(settings.jobs.lease)).await?;
    let ids: Vec<JobId> = held.iter().map(|(job, _)| *job).collect();
    Ok((lost, jobs::cancel_requests(conn, &ids).await?))
}

/// Announces the slots of this worker and sweeps up lost work.
pub(crate) async fn sweep(engine: Arc<Engine>) {
    while !engine.draining.is_cancelled() {
        match sweep_once(&engine).await {
            Ok(()) => engine.announced(),
            Err(error) => tracing::warn!(target: "jobs", error = error.causes(), "sweep failed"),
        }
        tokio::select! {
            () = engine.draining.cancelled() => return,
            () = tokio::time::sleep(engine.app.settings.jobs.sweep_every) => {}
        }
    }
}

async fn sweep_once(engine: &Engine) -> Result<()> {
    let conn = &mut engine.app.db.read().await?;
    let lanes = engine.lanes.iter();
    let presence: Vec<Presence> = lanes
        .map(|lane| Presence {
            queue: lane.queue,
            slots: count(lane.capacity),
            running: count(engine.running.count(lane.queue)),
        })
        .collect();
    if jobs::announce(conn, &engine.name, &presence).await? {
        engine.leaving.cancel();
    }
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
    for queue in engine.lanes.iter().map(|lane| lane.queue) {
        let patience = queue.timeout() + engine.app.settings.jobs.dispatch_grace;
        let offered = jobs::offer_again(conn, queue, seconds(patience)).await?;
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
