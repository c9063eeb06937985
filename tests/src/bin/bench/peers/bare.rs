//! apalis-redis alone. A job counts when its acknowledgement is in Redis.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_core::backend::ext::poll_strategy::{PollSnapshot, PollStrategy};
use apalis_redis::{Config, RedisStorage};
use redis::AsyncCommands;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use serde_json::{Value, json};
use shared::jobs::Queue;
use tokio::time::Sleep;

use crate::failure::{Attempt, Result};
use crate::meter::{Meter, Worker as Measured};
use crate::series::Turn;
use crate::servers::{Servers, prefix};

/// Jobs per push.
pub(crate) const CHUNK: usize = 500;
/// Messages that may wait: from 8,000 due entries on, a queue is stuck for ever.
const WAITING_MAX: usize = 4_000;
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How apalis-redis is set up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    /// As our workers have it: no task locks, steady polls, as many runs at a time, fetched in batches of this size.
    Tuned { batch: usize },
    /// As it comes.
    Default,
}

/// One turn: as many tasks as wanted are pushed in chunks and run meanwhile, until every one is acknowledged.
pub(crate) async fn turn(
    servers: &Servers,
    jobs: usize,
    setup: Setup,
    within: Duration,
) -> Result<Turn> {
    let queue = format!("{}-bare-{}", prefix(), uuid::Uuid::new_v4().simple());
    let config = match setup {
        Setup::Tuned { batch } => Config::default()
            .batch_size(batch)
            .heartbeat_interval(Duration::from_secs(3))
            .missed_heartbeats(30)
            .lock_tasks(false)
            .emit_events(false),
        Setup::Default => Config::default(),
    }
    .queue(&queue);
    let done = config.done_jobs_set();
    let conn = connect(servers, setup).await?;
    let mut watching = servers.redis().await?;
    let meter = Meter::start(servers, Measured::Bench).await?;
    let started = meter.started();
    let handled = Arc::new(AtomicUsize::new(0));
    let storage = RedisStorage::<Value>::new(conn).with_config(config);
    let finished = tokio::select! {
        ended = consume(storage.clone(), setup, Arc::clone(&handled), queue.clone()) => Err(format!("its worker ended: {ended}")),
        finished = feed_and_wait(storage, &mut watching, &done, jobs, &handled) => finished,
        () = tokio::time::sleep(within) => Err(format!("{} of {jobs} were handled within {} s", handled.load(Ordering::Relaxed), within.as_secs())),
    };
    let elapsed = started.elapsed();
    let cost = meter.finish(jobs).await?;
    servers.forget(&queue).await?;
    finished?;
    Ok(Turn { rate: jobs as f64 / elapsed.as_secs_f64(), latencies: Vec::new(), cost })
}

pub(crate) async fn connect(servers: &Servers, setup: Setup) -> Result<ConnectionManager> {
    let url = servers.redis_url();
    match setup {
        Setup::Tuned { .. } => {
            let client = redis::Client::open(url).attempt("BENCH_REDIS_URL")?;
            let config =
                ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_secs(10)));
            client.get_connection_manager_with_config(config).await.attempt("Redis does not answer")
        }
        Setup::Default => apalis_redis::connect(url).await.attempt("Redis does not answer"),
    }
}

/// Runs a worker until it ends, which it does only of an error.
pub(crate) async fn consume(
    storage: RedisStorage<Value>,
    setup: Setup,
    handled: Arc<AtomicUsize>,
    name: String,
) -> String {
    let ended = match setup {
        Setup::Tuned { .. } => {
            let steady = SteadyPoll::every(Duration::from_millis(20));
            let builder =
                WorkerBuilder::new(name).backend(storage.poll_with_strategy(steady)).data(handled);
            builder.concurrency(Queue::Default.policy().slots).build(count).run().await
        }
        Setup::Default => {
            WorkerBuilder::new(name).backend(storage).data(handled).build(count).run().await
        }
    };
    ended.err().map_or_else(|| "for no reason".to_owned(), |error| error.to_string())
}

async fn count(_: Value, handled: Data<Arc<AtomicUsize>>) -> std::result::Result<(), BoxDynError> {
    handled.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Pushes everything, no more than may wait at a time, and waits for the last acknowledgement.
async fn feed_and_wait(
    mut storage: RedisStorage<Value>,
    watching: &mut ConnectionManager,
    done: &str,
    jobs: usize,
    handled: &AtomicUsize,
) -> Result<()> {
    let mut pushed = 0;
    while pushed < jobs {
        if pushed - handled.load(Ordering::Relaxed).min(pushed) + CHUNK > WAITING_MAX {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        let chunk: Vec<Value> = (pushed..jobs.min(pushed + CHUNK))
            .map(|number| json!({ "key": format!("bench:{number}") }))
            .collect();
        pushed += chunk.len();
        storage.push_bulk(chunk).await.map_err(|error| format!("tasks are not pushed: {error}"))?;
    }
    while watching.scard::<_, usize>(done).await.attempt("Redis does not answer")? < jobs {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Polls at a steady pace and always leaves a waker: the strategies that apalis ships can sleep until the next heartbeat.
struct SteadyPoll {
    every: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl SteadyPoll {
    fn every(every: Duration) -> Self {
        Self { every, sleep: Box::pin(tokio::time::sleep(every)) }
    }
}

impl PollStrategy for SteadyPoll {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        let mut fired = false;
        while self.sleep.as_mut().poll(cx).is_ready() {
            fired = true;
            self.sleep.as_mut().reset((Instant::now() + self.every).into());
        }
        if fired { Poll::Ready(Some(())) } else { Poll::Pending }
    }
}
