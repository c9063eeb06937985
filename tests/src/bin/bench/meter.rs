//! What one turn has cost: time, processor time by process, and write-ahead log.

use std::time::{Duration, Instant};

use crate::failure::Result;
use crate::machine;
use crate::servers::{Servers, number};

/// Which process does the work that is measured.
#[derive(Clone, Copy)]
pub(crate) enum Worker {
    /// This one.
    Bench,
    /// A child that keeps running, with all that it has started.
    Process(u32),
    /// A child that ends within the turn, and has begun.
    Ending(u32),
    /// Children that begin and end within the turn.
    Children,
}

/// A running measurement.
pub(crate) struct Meter {
    servers: Servers,
    worker: Worker,
    before: Sample,
    started: Instant,
}

struct Sample {
    worker: Option<Duration>,
    bench: Option<Duration>,
    postgres: Option<Duration>,
    redis: Option<Duration>,
    wal: i64,
    commits: i64,
}

/// The cost of a turn, per purchase or job; nothing where it cannot be known.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Of the process that does the work, in milliseconds.
    pub(crate) worker: Option<f64>,
    /// Of the bench as its client, in milliseconds.
    pub(crate) client: Option<f64>,
    /// Of the database server, in milliseconds.
    pub(crate) postgres: Option<f64>,
    /// Of Redis, in milliseconds.
    pub(crate) redis: Option<f64>,
    /// Write-ahead log, in kilobytes.
    pub(crate) wal: Option<f64>,
    /// Transactions, as far as the server has counted them yet.
    pub(crate) commits: Option<f64>,
}

impl Meter {
    /// Starts measuring.
    pub(crate) async fn start(servers: &Servers, worker: Worker) -> Result<Self> {
        let before = sample(servers, worker).await?;
        Ok(Self { servers: servers.clone(), worker, before, started: Instant::now() })
    }

    /// When it started.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Stops measuring; `done` things have been done.
    pub(crate) async fn finish(self, done: usize) -> Result<Cost> {
        let after = sample(&self.servers, self.worker).await?;
        let each = |amount: f64| amount / done.max(1) as f64;
        let spent = |after: Option<Duration>, before: Option<Duration>| {
            Some(each(after?.saturating_sub(before?).as_secs_f64() * 1_000.0))
        };
        let before = &self.before;
        Ok(Cost {
            worker: spent(after.worker, before.worker),
            client: match self.worker {
                Worker::Process(_) => spent(after.bench, before.bench),
                Worker::Bench | Worker::Ending(_) | Worker::Children => None,
            },
            postgres: spent(after.postgres, before.postgres),
            redis: spent(after.redis, before.redis),
            wal: Some(each((after.wal - before.wal) as f64 / 1_024.0)),
            commits: Some(each((after.commits - before.commits) as f64)),
        })
    }
}

async fn sample(servers: &Servers, worker: Worker) -> Result<Sample> {
    let mut admin = servers.admin().await?;
    let mut redis = servers.redis().await?;
    let bench = machine::of_process(std::process::id());
    Ok(Sample {
        worker: match worker {
            Worker::Bench => bench,
            Worker::Process(pid) => machine::of_tree(pid),
            // Once it has ended, its time is among that of our ended children.
            Worker::Ending(pid) => machine::of_children()
                .map(|ended| ended + machine::of_process(pid).unwrap_or(Duration::ZERO)),
            Worker::Children => machine::of_children(),
        },
        bench,
        postgres: machine::of_postgres(&mut admin).await,
        redis: machine::of_redis(&mut redis).await,
        wal: number(&mut admin, "pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").await?,
        commits: number(&mut admin, "SELECT sum(xact_commit) FROM pg_stat_database").await?,
    })
}
