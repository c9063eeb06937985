//! The direct transport of one lane: while Redis is away (or by setting), slots are filled straight from PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use shared::error::Result;
use shared::jobs::{self, Claimed, Floor};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::dispatcher::until_due;
use crate::engine::Engine;
use crate::floors::Floors;
use crate::lane::{Lane, count, millis};

/// How long the first free slot waits for others.
const GATHER: Duration = Duration::from_millis(2);

/// Fills free slots while the direct transport is on.
pub(crate) async fn run(engine: Arc<Engine>, lane: Arc<Lane>) {
    let poll = engine.app.settings.jobs.poll_every;
    let mut floors = Floors::default();
    let mut wait = poll;
    loop {
        tokio::select! {
            () = engine.draining.cancelled() => return,
            () = lane.bell.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
        wait = poll;
        while engine.direct.load(Ordering::Relaxed) && !engine.draining.is_cancelled() {
            match fill(&engine, &lane, &mut floors).await {
                Ok(0) if floors.is_low() => break,
                Ok(0) => floors = Floors::default(),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(target: "jobs", queue = %lane.queue, error = error.causes(), "direct claims failed");
                    tokio::time::sleep(poll).await;
                }
            }
        }
        if engine.direct.load(Ordering::Relaxed) {
            wait = until_due(&engine, &lane).await;
        }
    }
}

/// Waits for slots, claims as many due rows as there are free slots, and starts them. Returns how many.
async fn fill(engine: &Arc<Engine>, lane: &Lane, floors: &mut Floors) -> Result<usize> {
    let slots = free_slots(lane).await;
    if engine.draining.is_cancelled() {
        return Ok(0);
    }
    let limit = count(slots.len());
    (engine.probe)("before_claim");
    let jobs = claim(engine, lane, floors.floor(), limit).await?;
    (engine.probe)("after_claim");
    floors.raise(jobs.iter().map(|job| (job.run_at, job.id)));
    let claimed = jobs.len();
    for (job, slot) in jobs.into_iter().zip(slots) {
        engine.start(job, slot);
    }
    Ok(claimed)
}

/// All slots that are free, at least one. Slots that come free one by one would be filled one by one, each with a commit of
/// its own: half of them, or whatever there is after a moment, go together.
pub(crate) async fn free_slots(lane: &Lane) -> Vec<OwnedSemaphorePermit> {
    let take = || Arc::clone(&lane.slots).try_acquire_owned().ok();
    let half = u32::try_from(lane.capacity / 2).unwrap_or(1).max(1);
    let mut slots: Vec<_> = match timeout(GATHER, lane.slots.acquire_many(half)).await {
        // Given back and taken one by one: each job keeps its own.
        Ok(Ok(gathered)) => {
            drop(gathered);
            Vec::new()
        }
        Ok(Err(_)) | Err(_) => Arc::clone(&lane.slots).acquire_owned().await.into_iter().collect(),
    };
    slots.extend(std::iter::from_fn(take));
    slots
}

/// Claims up to `limit` due jobs of a lane.
pub(crate) async fn claim(
    engine: &Engine,
    lane: &Lane,
    floor: Floor,
    limit: i64,
) -> Result<Vec<Claimed>> {
    let conn = &mut engine.app.db.read().await?;
    let lease = millis(engine.app.settings.jobs.lease);
    jobs::claim_pending(conn, (lane.queue, &lane.kinds, floor), limit, &engine.name, lease).await
}
