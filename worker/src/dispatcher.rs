//! The dispatcher of one lane: due rows become messages. Nothing else pushes to Redis.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use shared::error::Result;
use shared::jobs;
use shared::telemetry::metrics;

use crate::engine::Engine;
use crate::floors::Floors;
use crate::lane::{Lane, count};
use crate::redis::Pusher;
use crate::window::Window;

/// Rows per statement and per push.
const BATCH: i64 = 500;
/// Jobs that one message speaks of while more are due than may be handed out: Redis then has less to do for each.
const GROUP_MAX: usize = 16;
/// Messages that the hints of a deep queue are spread over, at least, so that every worker gets some.
const SPREAD: usize = 8;

/// Hands out due rows whenever the bell rings, and at every poll.
pub(crate) async fn run(engine: Arc<Engine>, lane: Arc<Lane>, pusher: Pusher) {
    let poll = engine.app.settings.jobs.poll_every;
    let (mut floors, mut window) = (Floors::default(), Window::default());
    let mut wait = poll;
    loop {
        tokio::select! {
            () = engine.draining.cancelled() => return,
            () = lane.bell.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
        wait = poll;
        if engine.direct.load(Ordering::Relaxed) {
            continue;
        }
        while !engine.draining.is_cancelled() {
            match dispatch(&engine, &lane, &pusher, (&mut floors, &mut window)).await {
                Ok(Handed::All) if floors.is_low() => break,
                Ok(Handed::All) => floors = Floors::default(),
                Ok(Handed::Some) => {}
                Ok(Handed::Rest | Handed::Full) => break,
                Err(error) => {
                    tracing::warn!(target: "jobs", queue = %lane.queue, error = error.causes(), "dispatch failed");
                    metrics::RELAY_ERRORS.with_label_values(&[lane.queue.as_str()]).inc();
                    tokio::time::sleep(poll).await;
                    break;
                }
            }
        }
        wait = until_due(&engine, &lane).await;
    }
}

/// How long a lane may rest: until its next row falls due, and never longer than a poll.
pub(crate) async fn until_due(engine: &Engine, lane: &Lane) -> Duration {
    let poll = engine.app.settings.jobs.poll_every;
    let next = async {
        let conn = &mut engine.app.db.read().await?;
        jobs::next_due(conn, lane.queue).await
    };
    match next.await {
        Ok(Some(wait)) => Duration::from_millis(u64::try_from(wait).unwrap_or(0)).min(poll),
        Ok(None) => poll,
        Err(error) => {
            tracing::debug!(target: "jobs", queue = %lane.queue, error = error.causes(), "the next due time is unknown");
            poll
        }
    }
}

/// How a hand-out ended.
enum Handed {
    /// Nothing is due after the floor.
    All,
    /// There may be more.
    Some,
    /// Everything after the floor that was due.
    Rest,
    /// The window is full: more are handed out when some have been taken.
    Full,
}

/// Marks one batch as dispatched, then pushes it. A push that fails is taken back.
async fn dispatch(
    engine: &Engine,
    lane: &Lane,
    pusher: &Pusher,
    (floors, window): (&mut Floors, &mut Window),
) -> Result<Handed> {
    let conn = &mut engine.app.db.read().await?;
    let limit = window.free(conn, lane).await?.min(BATCH);
    if limit <= 0 {
        return Ok(Handed::Full);
    }
    let rows = jobs::take_due(conn, lane.queue, &lane.kinds, floors.floor(), limit).await?;
    if rows.is_empty() {
        return Ok(Handed::All);
    }
    window.handed_out(rows.len());
    (engine.probe)("after_mark");
    let may_be_more = count(rows.len()) >= limit;
    if let Err(error) = pusher.push(&rows, if may_be_more { group(rows.len()) } else { 1 }).await {
        // The message may have arrived all the same: by then its generation is out of date.
        let messages: Vec<_> = rows.iter().map(|row| (row.id, row.dispatch_gen)).collect();
        jobs::take_back(conn, &messages).await?;
        return Err(error);
    }
    (engine.probe)("after_push");
    lane.fetch.notify_one();
    floors.raise(rows.iter().map(|row| (row.run_at, row.id)));
    metrics::RELAY_PUSHED
        .with_label_values(&[lane.queue.as_str()])
        .inc_by(u64::try_from(rows.len()).unwrap_or(0));
    Ok(if may_be_more { Handed::Some } else { Handed::Rest })
}

/// How many jobs one message speaks of while more are due than may be handed out: as long as there is enough for everybody,
/// it does no harm when one worker takes more than its share.
fn group(rows: usize) -> usize {
    (rows / SPREAD).clamp(1, GROUP_MAX)
}
