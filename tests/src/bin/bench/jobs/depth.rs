//! Throughput at a constant depth: as many jobs are recorded as are done, so that always as many wait.

use std::time::{Duration, Instant};

use shared::jobs::{JobKind, Queue};

use super::kinds::Noop;
use super::platform::Setup;
use super::process::Process;
use super::queue::{self, Batch};
use crate::failure::{Attempt, Result};
use crate::meter::{Meter, Worker};
use crate::series::Turn;
use crate::servers::{Database, Servers, number};

/// Jobs per recording transaction.
const STEP: usize = 250;
/// Jobs per recording transaction while the backlog is made.
const LOAD: usize = 10_000;
/// What comes first is not counted.
const WARM_UP: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What a worker did at a constant depth.
pub(crate) struct Flow {
    pub(crate) turn: Turn,
    /// Jobs per second in the last third of the time.
    pub(crate) at_the_end: f64,
    /// The share of looks, in percent, at which hardly anything waited: the worker was not kept busy.
    pub(crate) hungry: f64,
}

/// How many jobs wait.
async fn waiting(database: &Database) -> Result<usize> {
    let waiting = "SELECT count(*) FROM jobs WHERE state IN ('pending', 'dispatched')";
    let waiting = number(&mut database.admin().await?, waiting).await?;
    usize::try_from(waiting).attempt("many")
}

/// Lets so many jobs wait that are due, and brings the database to rest.
pub(crate) async fn deepen(database: &Database, depth: usize) -> Result<()> {
    let missing = depth.saturating_sub(waiting(database).await?);
    let mut admin = database.admin().await?;
    for first in (0..missing).step_by(LOAD) {
        queue::enqueue(&mut admin, Batch::of(Noop::KIND, LOAD.min(missing - first))).await?;
    }
    database.settle().await
}

/// Runs a worker for so long, at this depth. `deepen` comes first.
pub(crate) async fn flow(
    servers: &Servers,
    database: &Database,
    setup: Setup,
    depth: usize,
    lasts: Duration,
) -> Result<Flow> {
    let mut admin = database.admin().await?;
    let before = queue::done(&mut admin).await?;
    let mut waiting = waiting(database).await?;
    let mut worker = Process::start(servers, database, setup).await?;
    let (mut done, mut looks, mut hungry) = (0, 0_u32, 0_u32);
    let mut marks: Vec<(Instant, usize)> = Vec::new();
    let begun = Instant::now();
    let mut meter = None;
    while begun.elapsed() < WARM_UP + lasts {
        let now_done = worker.done().await?;
        waiting = waiting.saturating_sub(now_done - done);
        done = now_done;
        if begun.elapsed() >= WARM_UP {
            if meter.is_none() {
                meter = Some(Meter::start(servers, Worker::Process(worker.pid)).await?);
            }
            marks.push((Instant::now(), done));
            looks += 1;
            hungry += u32::from(waiting < depth / 4);
        }
        if waiting + STEP <= depth {
            // All that is missing at once, but not more than keeps the worker fed.
            let more = (depth - waiting).min(4 * STEP);
            queue::enqueue(&mut admin, Batch::of(Noop::KIND, more)).await?;
            waiting += more;
        } else {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    let (Some(first), Some(last)) = (marks.first(), marks.last()) else {
        return Err("nothing was measured".to_owned());
    };
    let third = last.0 - (last.0 - first.0) / 3;
    let late = marks.iter().find(|(at, _)| *at >= third).unwrap_or(last);
    let rate = |from: &(Instant, usize)| {
        (last.1 - from.1) as f64 / (last.0 - from.0).as_secs_f64().max(0.001)
    };
    let cost = meter.attempt("nothing was measured")?.finish(last.1 - first.1).await?;
    worker.stop().await?;
    let recorded = queue::done(&mut admin).await? - before;
    if recorded < i64::try_from(done).attempt("many")? {
        return Err(format!("the worker counted {done} jobs and {recorded} rows are done"));
    }
    Ok(Flow {
        turn: Turn { rate: rate(first), latencies: Vec::new(), cost },
        at_the_end: rate(late),
        hungry: f64::from(hungry) * 100.0 / f64::from(looks.max(1)),
    })
}

/// The queue that is measured.
pub(crate) const QUEUE: Queue = Queue::Default;
