//! apalis-redis as a dumb at-least-once transport: it delivers hints and decides nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use ::apalis::prelude::*;
use apalis_core::backend::ext::poll_strategy::{PollSnapshot, PollStrategy};
use apalis_redis::RedisStorage;
use rand::Rng as _;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Instant, Sleep};

use crate::engine::Engine;
use crate::lane::Lane;
use crate::redis;

/// How often a worker looks for messages. Below 10 ms apalis loses wake-ups.
const POLL_EVERY: Duration = Duration::from_millis(20);

/// Runs apalis workers of one lane, one after another: any Redis error ends one, and its name may not be used again.
pub(crate) async fn run(engine: Arc<Engine>, lane: Arc<Lane>) {
    let mut restarts = 0_u32;
    while !engine.draining.is_cancelled() {
        lane.transport_restarts.store(restarts, Ordering::Relaxed);
        if let Err(error) = work(&engine, &lane, restarts).await {
            tracing::warn!(target: "jobs", queue = %lane.queue, restarts, %error, "transport worker ended, starting another");
        }
        restarts += 1;
        let pause = Duration::from_millis(rand::rng().random_range(200..800));
        tokio::select! {
            () = engine.draining.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn work(engine: &Arc<Engine>, lane: &Arc<Lane>, restarts: u32) -> Result<(), String> {
    let settings = &engine.app.settings.redis;
    let conn = redis::connect(settings, true).map_err(|error| error.causes())?;
    let config = redis::config(settings, lane.queue, lane.capacity);
    let deliveries = (2 * lane.capacity).min(4 * config.batch_size);
    let storage = RedisStorage::<Value>::new(conn).with_config(config);
    let draining = engine.draining.clone();
    let worker = WorkerBuilder::new(transport_name(engine, lane, restarts))
        .backend(storage.poll_with_strategy(SteadyPoll::new(POLL_EVERY, &lane.fetch)))
        .data(Arc::clone(lane))
        .concurrency(deliveries)
        .build(deliver);
    let drained = async move {
        draining.cancelled().await;
        Ok::<(), WorkerError>(())
    };
    worker.run_until(drained).await.map_err(|error| error.to_string())
}

/// The name of a transport worker: no other ever has it.
pub(crate) fn transport_name(engine: &Engine, lane: &Lane, restarts: u32) -> String {
    format!("{}-{}-r{restarts}", engine.name, lane.queue)
}

/// Handles one message: it is acknowledged when its jobs are claimed, because from then on the rows tell more than it
/// does; and also when there is nothing to claim.
async fn deliver(message: Value, lane: Data<Arc<Lane>>) -> Result<(), BoxDynError> {
    let hints = redis::hints(&message);
    if hints.is_empty() {
        tracing::error!(target: "jobs", queue = %lane.queue, "a message that is not ours was dropped");
    } else {
        lane.arrive(hints).await;
    }
    Ok(())
}

/// Polls at a steady pace and at every ring, and always leaves a waker: the strategies apalis ships can sleep until
/// the next heartbeat.
struct SteadyPoll {
    every: Duration,
    sleep: Pin<Box<Sleep>>,
    bell: Arc<Notify>,
    rung: Pin<Box<OwnedNotified>>,
}

impl SteadyPoll {
    fn new(every: Duration, bell: &Arc<Notify>) -> Self {
        let rung = Box::pin(Arc::clone(bell).notified_owned());
        Self { every, sleep: Box::pin(tokio::time::sleep(every)), bell: Arc::clone(bell), rung }
    }
}

impl PollStrategy for SteadyPoll {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        let mut fired = false;
        while self.rung.as_mut().poll(cx).is_ready() {
            fired = true;
            self.rung.set(Arc::clone(&self.bell).notified_owned());
        }
        while self.sleep.as_mut().poll(cx).is_ready() {
            fired = true;
            let next = Instant::now() + self.every;
            self.sleep.as_mut().reset(next);
        }
        if fired { Poll::Ready(Some(())) } else { Poll::Pending }
    }
}
