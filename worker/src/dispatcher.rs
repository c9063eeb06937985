//! The dispatcher of one lane: due rows become messages. Nothing else pushes to Redis.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use shared::error::Result;
use shared::jobs;
use shared::telemetry::metrics;

use crate::engine::Engine;
use crate::floors::Floors;
use crate::lane::Lane;
use crate::redis::Pusher;

/// Rows per statement and per push.
const BATCH: i64 = 500;

/// Hands out due rows whenever the bell rings, and at every poll.
pub(crate) async fn run(engine: Arc<Engine>, lane: Arc<Lane>, pusher: Pusher) {
    let poll = engine.app.settings.jobs.poll_every;
    let mut floors = Floors::default();
    loop {
        tokio::select! {
            () = engine.draining.cancelled() => return,
            () = lane.bell.notified() => {}
            () = tokio::time::sleep(poll) => {}
        }
        if engine.direct.load(Ordering::Relaxed) {
            continue;
        }
        while !engine.draining.is_cancelled() {
            match dispatch(&engine, &lane, &pusher, &mut floors).await {
                Ok(0) if floors.is_low() => break,
                Ok(0) => floors = Floors::default(),
                Ok(BATCH) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(target: "jobs", queue = %lane.queue, error = error.causes(), "dispatch failed");
                    metrics::RELAY_ERRORS.with_label_values(&[lane.queue.as_str()]).inc();
                    tokio::time::sleep(poll).await;
                    break;
                }
            }
        }
    }
}

/// Marks one batch as dispatched, then pushes it; returns its size. A push that fails is taken back.
async fn dispatch(
    engine: &Engine,
    lane: &Lane,
    pusher: &Pusher,
    floors: &mut Floors,
) -> Result<i64> {
    let conn = &mut engine.app.db.read().await?;
    let rows = jobs::take_due(conn, lane.queue, &lane.kinds, floors.floor(), BATCH).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    (engine.probe)("after_mark");
    if let Err(error) = pusher.push(&rows).await {
        // The message may have arrived all the same: by then its generation is out of date.
        let messages: Vec<_> = rows.iter().map(|row| (row.id, row.dispatch_gen)).collect();
        jobs::take_back(conn, &messages).await?;
        return Err(error);
    }
    (engine.probe)("after_push");
    lane.fetch.notify_one();
    floors.raise(rows.iter().map(|row| (row.run_at, row.id)));
    let pushed = rows.len();
    metrics::RELAY_PUSHED
        .with_label_values(&[lane.queue.as_str()])
        .inc_by(u64::try_from(pushed).unwrap_or(0));
    Ok(i64::try_from(pushed).unwrap_or(BATCH))
}
