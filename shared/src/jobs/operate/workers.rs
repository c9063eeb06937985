//! The workers: who is alive, what they serve, and who is leaving.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::Conn;
use crate::error::{Code, Result};
use crate::statement::statement;

/// One worker process.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerView {
    /// Its name, unique to its boot.
    pub worker: String,
    /// Whether it was heard of within the last thirty seconds.
    pub alive: bool,
    /// Since when it runs (real time).
    pub started_at: DateTime<Utc>,
    /// When it was heard of last (real time).
    pub seen_at: DateTime<Utc>,
    /// Since when an operator wants it to leave (real time).
    pub drain_requested_at: Option<DateTime<Utc>>,
    /// What it serves.
    pub queues: Vec<WorkerQueue>,
}

/// A queue as one worker serves it.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerQueue {
    /// The queue.
    pub queue: String,
    /// Jobs that it can run at a time.
    pub slots: i32,
    /// Jobs that it ran when it was heard of last.
    pub running: i32,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    worker: String,
    #[diesel(sql_type = Text)]
    queue: String,
    #[diesel(sql_type = Integer)]
    slots: i32,
    #[diesel(sql_type = Integer)]
    running: i32,
    #[diesel(sql_type = Timestamptz)]
    started_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    seen_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    drain_requested_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    alive: bool,
}

/// Every worker that was heard of within the hour, by name.
///
/// # Errors
/// The database's.
pub async fn workers(conn: &mut Conn) -> Result<Vec<WorkerView>> {
    named(conn, None).await
}

/// One worker.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn worker(conn: &mut Conn, name: &str) -> Result<WorkerView> {
    Ok(named(conn, Some(name)).await?.pop().ok_or(Code::NotFound)?)
}

async fn named(conn: &mut Conn, name: Option<&str>) -> Result<Vec<WorkerView>> {
    let rows: Vec<Row> = statement(
        "SELECT worker, queue, slots, running, started_at, seen_at, drain_requested_at,
                seen_at > now() - interval '30 seconds' AS alive
         FROM job_workers WHERE $1 IS NULL OR worker = $1 ORDER BY worker, queue",
    )
    .bind::<Nullable<Text>, _>(name)
    .load(conn)
    .await?;
    let mut workers: Vec<WorkerView> = Vec::new();
    for row in rows {
        let queue = WorkerQueue { queue: row.queue, slots: row.slots, running: row.running };
        match workers.last_mut() {
            Some(worker) if worker.worker == row.worker => worker.queues.push(queue),
            Some(_) | None => workers.push(WorkerView {
                worker: row.worker,
                alive: row.alive,
                started_at: row.started_at,
                seen_at: row.seen_at,
                drain_requested_at: row.drain_requested_at,
                queues: vec![queue],
            }),
        }
    }
    Ok(workers)
}
