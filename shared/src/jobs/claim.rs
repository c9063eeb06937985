//! Claiming: the short transaction in which a worker becomes the one that runs a job.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::Queue;
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
}

/// Claims the rows that these messages speak of; a stale or repeated message claims nothing.
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
    let rows = statement(
        "WITH mine AS MATERIALIZED (
             SELECT j.id FROM jobs j JOIN unnest($1, $2) AS m (id, gen) ON j.id = m.id
             WHERE j.state = 'dispatched' AND j.dispatch_gen = m.gen
             FOR NO KEY UPDATE OF j SKIP LOCKED)
         UPDATE jobs SET state = 'running', attempt = attempt + 1, lease_token = lease_token + 1, worker = $3,
                         lease_until = now() + make_interval(secs => $4 / 1000.0), started_at = now()
         FROM mine WHERE jobs.id = mine.id
         RETURNING jobs.id, kind, args, args_version, attempt, max_attempts, lease_token, trace_id, run_at,
                   greatest(0, (extract(epoch FROM app_now() - run_at) * 1000)::bigint) AS waited_ms",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Integer>, _>(generations)
    .bind::<Text, _>(worker)
    .bind::<BigInt, _>(lease_ms)
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
    queue: Queue,
    kinds: &[&str],
    limit: i64,
    worker: &str,
    lease_ms: i64,
) -> Result<Vec<Claimed>> {
    let rows = statement(
        "WITH mine AS MATERIALIZED (
             SELECT id FROM jobs
             WHERE state = 'pending' AND crashes = 0 AND queue = $1 AND kind = ANY ($2) AND run_at <= app_now()
             ORDER BY run_at, id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)
         UPDATE jobs SET state = 'running', attempt = attempt + 1, lease_token = lease_token + 1, worker = $4,
                         lease_until = now() + make_interval(secs => $5 / 1000.0), started_at = now()
         FROM mine WHERE jobs.id = mine.id
         RETURNING jobs.id, kind, args, args_version, attempt, max_attempts, lease_token, trace_id, run_at,
                   greatest(0, (extract(epoch FROM app_now() - run_at) * 1000)::bigint) AS waited_ms",
    )
    .bind::<Text, _>(queue.as_str())
    .bind::<Array<Text>, _>(kinds)
    .bind::<BigInt, _>(limit)
    .bind::<Text, _>(worker)
    .bind::<BigInt, _>(lease_ms)
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
    let row = statement(
        "WITH mine AS MATERIALIZED (
             SELECT id FROM jobs
             WHERE state = 'pending' AND crashes > 0 AND queue = $1 AND kind = ANY ($2) AND run_at <= app_now()
             ORDER BY run_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
         UPDATE jobs SET state = 'running', attempt = attempt + 1, lease_token = lease_token + 1, worker = $3,
                         lease_until = now() + make_interval(secs => $4 / 1000.0), started_at = now()
         FROM mine WHERE jobs.id = mine.id
         RETURNING jobs.id, kind, args, args_version, attempt, max_attempts, lease_token, trace_id, run_at,
                   greatest(0, (extract(epoch FROM app_now() - run_at) * 1000)::bigint) AS waited_ms",
    )
    .bind::<Text, _>(queue.as_str())
    .bind::<Array<Text>, _>(kinds)
    .bind::<Text, _>(worker)
    .bind::<BigInt, _>(lease_ms)
    .get_result(conn)
    .await
    .optional()?;
    Ok(row)
}
