//! The queues at a glance: who stopped one, who serves it, how much waits, and since when.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::Conn;
use crate::error::{Error, Result};
use crate::jobs::{DEPTH_MAX, Queue};
use crate::statement::statement;

/// One queue.
#[derive(Clone, Debug)]
pub struct QueueView {
    /// The queue.
    pub queue: Queue,
    /// Who stopped it, if it is stopped.
    pub pause: Option<Pause>,
    /// Live workers that serve it.
    pub workers: i64,
    /// Jobs of it that they can run at a time.
    pub slots: i64,
    /// Pending and due: the age is how late the queue is.
    pub ready: Depth,
    /// Pending and due later; no age.
    pub scheduled: Depth,
    /// Handed to the transport.
    pub dispatched: Depth,
    /// In a worker's hands.
    pub running: Depth,
    /// On the dead letter.
    pub dead: Depth,
}

/// A stopped queue.
#[derive(Clone, Debug, Serialize)]
pub struct Pause {
    /// Since when (real time).
    pub paused_at: DateTime<Utc>,
    /// By whom.
    pub paused_by: String,
    /// Why.
    pub reason: Option<String>,
}

/// How much there is of something, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Depth {
    /// Jobs; exact below [`DEPTH_MAX`].
    pub count: i64,
    /// The age of the oldest, in seconds: since it was due, handed out, begun, or dead.
    pub oldest_seconds: Option<i64>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    queue: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    paused_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    paused_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pause_reason: Option<String>,
    #[diesel(sql_type = BigInt)]
    workers: i64,
    #[diesel(sql_type = BigInt)]
    slots: i64,
    #[diesel(sql_type = BigInt)]
    ready: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    ready_age: Option<i64>,
    #[diesel(sql_type = BigInt)]
    scheduled: i64,
    #[diesel(sql_type = BigInt)]
    dispatched: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    dispatched_age: Option<i64>,
    #[diesel(sql_type = BigInt)]
    running: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    running_age: Option<i64>,
    #[diesel(sql_type = BigInt)]
    dead: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    dead_age: Option<i64>,
}

/// Every queue, in the order of their table.
///
/// # Errors
/// The database's.
pub async fn queues(conn: &mut Conn) -> Result<Vec<QueueView>> {
    of(conn, Queue::ALL).await
}

/// One queue.
///
/// # Errors
/// The database's.
pub async fn queue(conn: &mut Conn, queue: Queue) -> Result<QueueView> {
    let view = of(conn, &[queue]).await?.pop();
    view.ok_or_else(|| Error::internal("a queue has no line"))
}

async fn of(conn: &mut Conn, queues: &[Queue]) -> Result<Vec<QueueView>> {
    let names: Vec<&str> = queues.iter().map(|queue| queue.as_str()).collect();
    let rows: Vec<Row> = statement(
        "SELECT n.queue, p.paused_at, p.paused_by, p.pause_reason, w.workers, w.slots,
                ready.depth AS ready, (extract(epoch FROM app_now() - ready.since))::bigint AS ready_age,
                scheduled.depth AS scheduled,
                dispatched.depth AS dispatched, (extract(epoch FROM now() - dispatched.since))::bigint AS dispatched_age,
                running.depth AS running, (extract(epoch FROM now() - running.since))::bigint AS running_age,
                dead.depth AS dead, (extract(epoch FROM app_now() - dead.since))::bigint AS dead_age
         FROM unnest($1) WITH ORDINALITY AS n (queue, place)
         LEFT JOIN job_queues p ON p.queue = n.queue AND p.paused_at IS NOT NULL
         CROSS JOIN LATERAL (
             SELECT count(*) AS workers, coalesce(sum(slots), 0)::bigint AS slots FROM job_workers
             WHERE queue = n.queue AND seen_at > now() - interval '30 seconds') w
         CROSS JOIN LATERAL (
             SELECT count(*) AS depth, min(run_at) AS since
             FROM (SELECT run_at FROM jobs WHERE state = 'pending' AND queue = n.queue AND run_at <= app_now()
                   ORDER BY run_at, id LIMIT $2) j) ready
         CROSS JOIN LATERAL (
             SELECT count(*) AS depth
             FROM (SELECT 1 FROM jobs WHERE state = 'pending' AND queue = n.queue AND run_at > app_now() LIMIT $2) j) scheduled
         CROSS JOIN LATERAL (
             SELECT count(*) AS depth, min(dispatched_at) AS since FROM jobs
             WHERE state = 'dispatched' AND queue = n.queue) dispatched
         CROSS JOIN LATERAL (
             SELECT count(*) AS depth, min(started_at) AS since FROM jobs
             WHERE state = 'running' AND queue = n.queue) running
         CROSS JOIN LATERAL (
             SELECT count(*) AS depth, min(finished_at) AS since
             FROM (SELECT finished_at FROM jobs WHERE state = 'dead' AND queue = n.queue LIMIT $2) j) dead
         ORDER BY n.place",
    )
    .bind::<Array<Text>, _>(names)
    .bind::<BigInt, _>(DEPTH_MAX)
    .load(conn)
    .await?;
    rows.into_iter().map(QueueView::try_from).collect()
}

impl TryFrom<Row> for QueueView {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let depth = |count, oldest_seconds| Depth { count, oldest_seconds };
        Ok(Self {
            queue: Queue::parse(&row.queue).ok_or_else(|| Error::internal("an unknown queue"))?,
            pause: row.paused_at.zip(row.paused_by).map(|(paused_at, paused_by)| Pause {
                paused_at,
                paused_by,
                reason: row.pause_reason,
            }),
            workers: row.workers,
            slots: row.slots,
            ready: depth(row.ready, row.ready_age),
            scheduled: depth(row.scheduled, None),
            dispatched: depth(row.dispatched, row.dispatched_age),
            running: depth(row.running, row.running_age),
            dead: depth(row.dead, row.dead_age),
        })
    }
}
