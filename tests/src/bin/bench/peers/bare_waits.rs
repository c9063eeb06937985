//! apalis-redis alone, as it comes: how soon a task starts after its push, and what becomes of many that wait already.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_redis::{Config, RedisStorage};
use redis::AsyncCommands;
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::bare::{CHUNK, Setup, connect, consume};
use crate::failure::{Attempt, Result};
use crate::servers::{Servers, prefix};

/// How long the last task may take to start.
const STARTED_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(10);

type Starts = Arc<Mutex<HashMap<u64, Instant>>>;

/// Pushes so many tasks per second, whether or not the last one has started; returns how long after its push each did.
pub(crate) async fn pickups(servers: &Servers, rate: u32, seconds: u32) -> Result<Vec<Duration>> {
    let queue = format!("{}-pickup-{}", prefix(), uuid::Uuid::new_v4().simple());
    let conn = connect(servers, Setup::Default).await?;
    let storage = RedisStorage::<Value>::new(conn).with_config(Config::default().queue(&queue));
    let starts = Starts::default();
    let worker = WorkerBuilder::new(queue.clone()).backend(storage.clone());
    let worker = worker.data(Arc::clone(&starts)).build(note);
    let (warm_up, count) = (u64::from(rate), u64::from(rate) * u64::from(seconds));
    let outcome = tokio::select! {
        ended = worker.run() => Err(format!("its worker ended: {ended:?}")),
        pushed = push(storage, rate, warm_up + count, &starts) => pushed,
    };
    servers.forget(&queue).await?;
    let (pushed, starts) = (outcome?, starts.lock().unwrap_or_else(PoisonError::into_inner));
    // The first second is not counted.
    let counted = pushed.iter().filter(|(number, _)| *number >= warm_up);
    let wait =
        |(number, at): &(u64, Instant)| Some(starts.get(number)?.saturating_duration_since(*at));
    Ok(counted.filter_map(wait).collect())
}

async fn push(
    mut storage: RedisStorage<Value>,
    rate: u32,
    count: u64,
    starts: &Starts,
) -> Result<Vec<(u64, Instant)>> {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / rate);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut pushed = Vec::new();
    for number in 0..count {
        pace.tick().await;
        let task = storage.push(json!({ "number": number })).await;
        task.map_err(|error| format!("a task is not pushed: {error}"))?;
        pushed.push((number, Instant::now()));
    }
    let last = Instant::now();
    loop {
        let started = starts.lock().unwrap_or_else(PoisonError::into_inner).len();
        if started == pushed.len() {
            return Ok(pushed);
        }
        if last.elapsed() > STARTED_WITHIN {
            return Err(format!("{started} of {count} tasks started"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn note(task: Value, starts: Data<Starts>) -> std::result::Result<(), BoxDynError> {
    let started = Instant::now();
    let number = task["number"].as_u64().ok_or("a task without its number")?;
    starts.lock().unwrap_or_else(PoisonError::into_inner).insert(number, started);
    Ok(())
}

/// What a worker made of tasks that waited before it started.
pub(crate) struct Standing {
    /// How many it handled and acknowledged.
    pub(crate) handled: usize,
    pub(crate) took: Duration,
    /// Why it did not handle all of them.
    pub(crate) stuck: Option<String>,
}

/// Lets so many tasks wait, all of them due, and then starts a worker.
pub(crate) async fn stand(servers: &Servers, waiting: usize, within: Duration) -> Result<Standing> {
    let queue = format!("{}-standing-{}", prefix(), uuid::Uuid::new_v4().simple());
    let config = Config::default().queue(&queue);
    let done = config.done_jobs_set();
    let conn = connect(servers, Setup::Default).await?;
    let mut storage = RedisStorage::<Value>::new(conn).with_config(config);
    for first in (0..waiting).step_by(CHUNK) {
        let chunk = (first..waiting.min(first + CHUNK)).map(|number| json!({ "number": number }));
        let pushed = storage.push_bulk(chunk.collect()).await;
        pushed.map_err(|error| format!("tasks are not pushed: {error}"))?;
    }
    let mut watching = servers.redis().await?;
    let handled = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let all = async {
        while watching.scard::<_, usize>(&done).await.attempt("Redis does not answer")? < waiting {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok::<_, String>(None)
    };
    let stuck = tokio::select! {
        ended = consume(storage, Setup::Default, Arc::clone(&handled), queue.clone()) => Ok(Some(format!("its worker ended: {ended}"))),
        all = all => all,
        () = tokio::time::sleep(within) => Ok(Some(format!("after {} s", within.as_secs()))),
    };
    let took = started.elapsed();
    servers.forget(&queue).await?;
    Ok(Standing { handled: handled.load(Ordering::Relaxed), took, stuck: stuck? })
}
