//! Claiming: the short transaction in which a worker becomes the one that runs a job.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::{Progress, Queue};
use crate::Conn;
use crate::error::Result;
use crate::ids::JobId;
use crate::statement::statement;

/// A job that this worker runs, and the token that proves it still does.
#[derive(Clone, Debug, QueryableByName)]
pub struct Claimed {
    /// The job.
    #[diesel(sql_type = BigInt)]
    pub id: JobId,
    /// Its kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Its arguments.
    #[diesel(sql_type = Jsonb)]
    pub args: Value,
    /// The version they were written in.
    #[diesel(sql_type = SmallInt)]
    pub args_version: i16,
    /// Which attempt this is, counted from 1. It was counted now, so a crash has used it.
    #[diesel(sql_type = SmallInt)]
    pub attempt: i16,
    /// How many there may be.
    #[diesel(sql_type = SmallInt)]
    pub max_attempts: i16,
    /// The fencing token: one higher than any earlier claim's.
    #[diesel(sql_type = BigInt)]
    pub lease_token: i64,
    /// The request or job that caused it.
    #[diesel(sql_type = Nullable<Text>)]
    pub trace_id: Option<String>,
    /// When it was due (business time).
    #[diesel(sql_type = Timestamptz)]
    pub run_at: DateTime<Utc>,
    /// How long it waited past its due time, in milliseconds.
    #[diesel(sql_type = BigInt)]
    pub waited_ms: i64,
    /// Long work: rows that earlier runs have done.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub progress_done: Option<i64>,
    /// Long work: rows that were due when they were counted.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub progress_total: Option<i64>,
    /// Long work: where the next batch begins.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub progress_cursor: Option<Value>,
}

impl Claimed {
    /// How far earlier runs of long work came.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress {
            done: self.progress_done.unwrap_or_default(),
            total: self.progress_total,
            cursor: self.progress_cursor.clone(),
        }
    }
}

/// Where a scan of due rows begins. A drain starts where its last batch ended: rows taken before are dead entries of
/// the index, and while somebody holds an old snapshot they cannot be cleared away.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// The due time of the last row taken.
    pub run_at: DateTime<Utc>,
    /// Its id.
    pub id: JobId,
}

impl Floor {
    /// Everything that is due.
    pub const NONE: Self = Self { run_at: DateTime::UNIX_EPOCH, id: 0 };
}

/// Makes the rows that `$mine` locks this worker's (`$1`) for as long as the lease (`$2`, milliseconds). They are found
/// again by an array of ids, because only that is an index scan whatever the planner thinks of their number.
macro_rules! claim {
    ($mine:literal) => {
        statement(concat!(
            "UPDATE jobs SET state = 'running', attempt = attempt + 1, lease_token = lease_token + 1, worker = $1,
                             lease_until = now() + make_interval(secs => $2 / 1000.0), started_at = now(), ended_at = NULL
             WHERE id = ANY (ARRAY(", $mine, "))
             RETURNING id, kind, args, args_version, attempt, max_attempts, lease_token, trace_id, run_at,
                       greatest(0, (extract(epoch FROM app_now() - run_at) * 1000)::bigint) AS waited_ms,
                       progress_done, progress_total, progress_cursor"
        ))
    };
}

/// Claims the rows that these messages speak of (by their ids: `state || ''` keeps the planner off the small index of
/// handed-out rows, whose dead entries it does not see); a stale or repeated message claims nothing, nor does any of a queue
/// that is paused.
///
/// A locked row is waited for: a dispatcher that saw it pending a moment ago holds it for as long as its own statement
/// takes, and a hint that is skipped is lost.
///
/// # Errors
/// The database's.
pub async fn claim_dispatched(
    conn: &mut Conn,
    messages: &[(JobId, i32)],
    worker: &str,
    lease_ms: i64,
) -> Result<Vec<Claimed>> {
    let (ids, generations): (Vec<JobId>, Vec<i32>) = messages.iter().copied().unzip();
    let rows = claim!(
        "SELECT j.id FROM jobs j JOIN unnest($3, $4) AS m (id, gen) ON j.id = m.id
         WHERE j.state || '' = 'dispatched' AND j.dispatch_gen = m.gen
           AND NOT EXISTS (SELECT FROM job_queues q WHERE q.queue = j.queue AND q.paused_at IS NOT NULL)
         ORDER BY j.id FOR NO KEY UPDATE OF j"
    )
    .bind::<Text, _>(worker)
    .bind::<BigInt, _>(lease_ms)
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Integer>, _>(generations)
    .load(conn)
    .await?;
    Ok(rows)
}

/// Claims due rows straight from the table: the `direct` transport. Suspects are left to [`claim_suspect`].
///
/// # Errors
/// The database's.
pub async fn claim_pending(
    conn: &mut Conn,
    from: (Queue, &[&str], Floor),
    limit: i64,
    worker: &str,
    lease_ms: i64,
) -> Result<Vec<Claimed>> {
    let (queue, kinds, floor) = from;
    let rows = claim!(
        "SELECT id FROM jobs
         WHERE state = 'pending' AND crashes = 0 AND queue = $3 AND kind = ANY ($4) AND run_at <= app_now()
           AND (run_at, id) > ($5, $6)
           AND NOT EXISTS (SELECT FROM job_queues q WHERE q.queue = $3 AND q.paused_at IS NOT NULL)
         ORDER BY run_at, id LIMIT $7 FOR NO KEY UPDATE SKIP LOCKED"
    )
    .bind::<Text, _>(worker)
    .bind::<BigInt, _>(lease_ms)
    .bind::<Text, _>(queue.as_str())
    .bind::<Array<Text>, _>(kinds)
    .bind::<Timestamptz, _>(floor.run_at)
    .bind::<BigInt, _>(floor.id)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows)
}

/// Claims one due job that was running when a worker vanished.
///
/// Which of the jobs of a lost worker killed it, nobody knows. A worker runs suspects one at a time, so the next crash
/// is counted against the culprit and not against its neighbours.
///
/// # Errors
/// The database's.
pub async fn claim_suspect(
    conn: &mut Conn,
    queue: Queue,
    kinds: &[&str],
    worker: &str,
    lease_ms: i64,
) -> Result<Option<Claimed>> {
    let row = claim!(
        "SELECT id FROM jobs
         WHERE state = 'pending' AND crashes > 0 AND queue = $3 AND kind = ANY ($4) AND run_at <= app_now()
           AND NOT EXISTS (SELECT FROM job_queues q WHERE q.queue = $3 AND q.paused_at IS NOT NULL)
         ORDER BY run_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED"
    )
    .bind::<Text, _>(worker)
    .bind::<BigInt, _>(lease_ms)
    .bind::<Text, _>(queue.as_str())
    .bind::<Array<Text>, _>(kinds)
    .get_result(conn)
    .await
    .optional()?;
    Ok(row)
}
