//! The table of jobs as the bench needs it: emptied, filled, due all at once, and run down.

use std::time::{Duration, Instant};

use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use shared::jobs::Queue;

use crate::failure::{Attempt, Result};
use crate::servers::{Database, execute, number};

/// Rows per inserting transaction.
const CHUNK: usize = 10_000;
/// How often the rows are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Jobs to record.
#[derive(Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) kind: &'static str,
    pub(crate) queue: Queue,
    /// The number of the first one: it is in the arguments.
    pub(crate) first: usize,
    pub(crate) count: usize,
}

impl Batch {
    /// So many jobs of a kind on the default queue.
    pub(crate) fn of(kind: &'static str, count: usize) -> Self {
        Self { kind, queue: Queue::Default, first: 1, count }
    }
}

/// Forgets every job and worker, and lets business time be real time again.
pub(crate) async fn empty(database: &Database) -> Result<()> {
    database.execute("TRUNCATE jobs, job_attempts, effects, job_workers").await?;
    database.execute("UPDATE app_clock SET shift = interval '0'").await
}

/// Records jobs that are due tomorrow, and brings the database to rest.
pub(crate) async fn fill(database: &Database, batch: Batch) -> Result<()> {
    let mut admin = database.admin().await?;
    for first in (0..batch.count).step_by(CHUNK) {
        let chunk =
            Batch { first: batch.first + first, count: CHUNK.min(batch.count - first), ..batch };
        insert(&mut admin, chunk, "1 day").await?;
    }
    database.settle().await
}

/// Makes it tomorrow, and rings: everything that [`fill`] recorded is due.
pub(crate) async fn make_due(conn: &mut AsyncPgConnection) -> Result<()> {
    execute(conn, "UPDATE app_clock SET shift = shift + interval '1 day'").await?;
    ring(conn).await
}

/// Moves business time on, and rings.
pub(crate) async fn advance(conn: &mut AsyncPgConnection, by: &str) -> Result<()> {
    execute(conn, &format!("UPDATE app_clock SET shift = shift + interval '{by}'")).await?;
    ring(conn).await
}

/// Records jobs that are due now, in one transaction, and rings.
pub(crate) async fn enqueue(conn: &mut AsyncPgConnection, batch: Batch) -> Result<()> {
    insert(conn, batch, "0").await?;
    ring(conn).await
}

async fn ring(conn: &mut AsyncPgConnection) -> Result<()> {
    execute(conn, "NOTIFY wibe_jobs").await
}

async fn insert(conn: &mut AsyncPgConnection, batch: Batch, due_in: &str) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO jobs (kind, queue, args, max_attempts, run_at)
         SELECT $1, $2, jsonb_build_object('key', 'bench:' || n), 12, app_now() + $5::interval
         FROM generate_series($3, $4) AS n",
    )
    .bind::<Text, _>(batch.kind)
    .bind::<Text, _>(batch.queue.as_str())
    .bind::<BigInt, _>(i64::try_from(batch.first).attempt("few")?)
    .bind::<BigInt, _>(i64::try_from(batch.first + batch.count).attempt("few")? - 1)
    .bind::<Text, _>(due_in)
    .execute(conn)
    .await
    .attempt("jobs are not recorded")?;
    Ok(())
}

/// Waits until nothing of a queue is left to do, each look a few index probes.
pub(crate) async fn wait(
    conn: &mut AsyncPgConnection,
    queue: Queue,
    within: Duration,
) -> Result<()> {
    let queue = queue.as_str();
    let left = format!(
        "SELECT (EXISTS (SELECT FROM jobs WHERE state = 'pending' AND queue = '{queue}'))::int
              + (EXISTS (SELECT FROM jobs WHERE state = 'dispatched' AND queue = '{queue}'))::int
              + (EXISTS (SELECT FROM jobs WHERE state = 'running'))::int"
    );
    let started = Instant::now();
    while number(conn, &left).await? > 0 {
        if started.elapsed() > within {
            let done = done(conn).await?;
            return Err(format!("only {done} jobs were done within {} s", within.as_secs()));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// How many jobs the table says are done.
pub(crate) async fn done(conn: &mut AsyncPgConnection) -> Result<i64> {
    number(conn, "SELECT count(*) FROM jobs WHERE state = 'done'").await
}

/// Fails unless so many jobs are done, all of them, and so many effects are there.
pub(crate) async fn check(conn: &mut AsyncPgConnection, jobs: usize, effects: usize) -> Result<()> {
    let all = number(conn, "SELECT count(*) FROM jobs").await?;
    let done = done(conn).await?;
    let left = number(conn, "SELECT count(*) FROM effects").await?;
    let wanted = i64::try_from(jobs).attempt("few")?;
    if (all, done, left) == (wanted, wanted, i64::try_from(effects).attempt("few")?) {
        return Ok(());
    }
    Err(format!("of {jobs} jobs {done} are done and {left} effects of {effects} are there"))
}
