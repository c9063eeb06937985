//! Our side: rows in PostgreSQL, the whole worker, and a job counts when its row says `done`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use shared::App;
use shared::jobs::{JobKind, Queue};
use shared::settings::Transport;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use worker::Engine;

use super::kinds::{self, Noop, OneRow};
use super::{Burst, CHUNK};
use crate::failure::{Attempt, Result};
use crate::meter::{Meter, Worker};
use crate::series::Turn;
use crate::servers::{Database, Servers, execute, number, prefix};

/// How long one turn may take.
const FINISHED_WITHIN: Duration = Duration::from_secs(600);
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How often the rows are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A worker inside this process. Dropping it lets it drain by itself.
pub(crate) struct InProcess {
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl InProcess {
    /// Starts a worker with all its services, and waits until it takes jobs. Its Redis keys are its own.
    pub(crate) async fn start(
        servers: &Servers,
        database: &Database,
        transport: Transport,
        queues: &str,
    ) -> Result<Self> {
        let redis = servers.redis_url();
        let prefix = format!("{}-{}", prefix(), uuid::Uuid::new_v4().simple());
        let slots = std::env::var("WORKER_SLOTS").unwrap_or_default();
        let variables = [
            ("REDIS_URL", redis.as_str()),
            ("REDIS_PREFIX", &prefix),
            ("JOBS_TRANSPORT", transport.as_str()),
            ("WORKER_QUEUES", queues),
            ("WORKER_SLOTS", slots.as_str()),
        ];
        let app: Arc<App> = Arc::new(database.app(&variables)?);
        let engine = Engine::with_registry(app, kinds::registry());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(worker::run(Arc::clone(&engine), async { drop(stopped.await) }));
        let worker = Self { stop, running };
        let started = Instant::now();
        while !engine.is_ready() {
            if started.elapsed() > READY_WITHIN {
                return Err("the worker does not become ready".to_owned());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(worker)
    }

    /// Drains it.
    pub(crate) async fn stop(self) -> Result<()> {
        self.stop.send(()).ok();
        self.running.await.attempt("the worker does not drain")
    }
}

/// One turn: as many jobs as wanted are enqueued in chunks and run meanwhile, until every row is done.
pub(crate) async fn turn(
    servers: &Servers,
    database: &Database,
    burst: Burst,
    transport: Transport,
) -> Result<Turn> {
    database.execute("TRUNCATE jobs, job_attempts, effects").await?;
    database.settle().await?;
    let worker = InProcess::start(servers, database, transport, Queue::Default.as_str()).await?;
    let kind = if burst.effect { OneRow::KIND } else { Noop::KIND };
    let mut admin = database.admin().await?;
    let meter = Meter::start(servers, Worker::Bench).await?;
    let started = meter.started();
    for first in (1..=burst.jobs).step_by(CHUNK) {
        enqueue(&mut admin, kind, first, burst.jobs.min(first + CHUNK - 1)).await?;
    }
    wait(&mut admin, burst.jobs, started).await?;
    let elapsed = started.elapsed();
    let cost = meter.finish(burst.jobs).await?;
    worker.stop().await?;
    check(&mut admin, burst).await?;
    Ok(Turn { rate: burst.jobs as f64 / elapsed.as_secs_f64(), latencies: Vec::new(), cost })
}

/// Records a chunk of jobs in one transaction, and rings.
async fn enqueue(
    conn: &mut AsyncPgConnection,
    kind: &str,
    first: usize,
    last: usize,
) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO jobs (kind, queue, args, max_attempts)
         SELECT $1, $2, jsonb_build_object('key', 'bench:' || n), 12 FROM generate_series($3, $4) AS n",
    )
    .bind::<Text, _>(kind)
    .bind::<Text, _>(Queue::Default.as_str())
    .bind::<BigInt, _>(i64::try_from(first).attempt("few")?)
    .bind::<BigInt, _>(i64::try_from(last).attempt("few")?)
    .execute(conn)
    .await
    .attempt("jobs are not enqueued")?;
    execute(conn, "NOTIFY wibe_jobs").await
}

/// Waits until no job is left to do, each look a few index probes.
async fn wait(conn: &mut AsyncPgConnection, jobs: usize, started: Instant) -> Result<()> {
    let left = "SELECT (EXISTS (SELECT FROM jobs WHERE state = 'pending' AND queue = 'default'))::int
                     + (EXISTS (SELECT FROM jobs WHERE state = 'dispatched' AND queue = 'default'))::int
                     + (EXISTS (SELECT FROM jobs WHERE state = 'running'))::int";
    while number(conn, left).await? > 0 {
        if started.elapsed() > FINISHED_WITHIN {
            let done = number(conn, "SELECT count(*) FROM jobs WHERE state = 'done'").await?;
            return Err(format!(
                "{done} of {jobs} jobs were done within {} s",
                FINISHED_WITHIN.as_secs()
            ));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Everything is done, and every effect is there once.
async fn check(conn: &mut AsyncPgConnection, burst: Burst) -> Result<()> {
    let jobs = i64::try_from(burst.jobs).attempt("few")?;
    let done = number(conn, "SELECT count(*) FROM jobs WHERE state = 'done'").await?;
    let effects = number(conn, "SELECT count(*) FROM effects").await?;
    if (done, effects) == (jobs, if burst.effect { jobs } else { 0 }) {
        return Ok(());
    }
    Err(format!("of {jobs} jobs {done} are done and {effects} effects are there"))
}
