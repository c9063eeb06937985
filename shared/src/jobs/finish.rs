//! Ending a run: every transition is fenced by the lease token, so a worker that lost its job cannot end it.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;

use super::{Claimed, JobVerdict};
use crate::error::Result;
use crate::ids::JobId;
use crate::schema::jobs;
use crate::statement::statement;
use crate::{Conn, Tx};

/// The longest error text a row keeps, in bytes.
const ERROR_MAX: usize = 2_000;

/// Locks the job's row if this worker still runs it. `false` means another one does: roll back.
///
/// The lock is held to the end of the effect's transaction, so nobody rescues a job whose effect is being committed.
///
/// # Errors
/// The database's.
pub async fn fence(tx: &mut Tx, job: &Claimed) -> Result<bool> {
    let held = jobs::table
        .select(jobs::id)
        .filter(
            jobs::id
                .eq(job.id)
                .and(jobs::lease_token.eq(job.lease_token))
                .and(jobs::state.eq("running")),
        )
        .for_no_key_update()
        .first::<JobId>(tx.conn())
        .await
        .optional()?;
    Ok(held.is_some())
}

/// Writes what became of the run, in the transaction of its effect: done, snoozed, dead or cancelled.
/// `Retry` is not settled here, because it rolls back: see [`fail`].
///
/// # Errors
/// The database's.
pub async fn settle(tx: &mut Tx, job: &Claimed, verdict: &JobVerdict) -> Result<()> {
    let (state, outcome, error, wait) = match verdict {
        JobVerdict::Done(_) => ("done", "ok", None, Duration::ZERO),
        JobVerdict::Snooze(wait) => ("pending", "snoozed", None, *wait),
        JobVerdict::Retry(reason) => ("pending", "retry", Some(reason.as_str()), Duration::ZERO),
        JobVerdict::Dead(reason) => ("dead", "dead", Some(reason.as_str()), Duration::ZERO),
        JobVerdict::Cancel(reason) => {
            ("cancelled", "cancelled", Some(reason.as_str()), Duration::ZERO)
        }
    };
    transition(tx.conn(), job, state, outcome, error, wait).await?;
    Ok(())
}

/// Writes a failed run in a transaction of its own: back to pending after `wait`, or dead when `wait` is none.
/// `false` when this worker no longer runs the job.
///
/// # Errors
/// The database's.
pub async fn fail(
    conn: &mut Conn,
    job: &Claimed,
    error: &str,
    wait: Option<Duration>,
) -> Result<bool> {
    match wait {
        Some(wait) => transition(conn, job, "pending", "retry", Some(error), wait).await,
        None => transition(conn, job, "dead", "dead", Some(error), Duration::ZERO).await,
    }
}

/// Gives back a job that a shutdown interrupted, or long work between two batches: the attempt does not count.
///
/// # Errors
/// The database's.
pub async fn hand_back(conn: &mut Conn, job: &Claimed) -> Result<bool> {
    transition(conn, job, "pending", "handed_back", None, Duration::ZERO).await
}

/// Ends a run that an operator asked to be stopped.
///
/// # Errors
/// The database's.
pub async fn cancel_run(conn: &mut Conn, job: &Claimed) -> Result<bool> {
    transition(
        conn,
        job,
        "cancelled",
        "cancelled",
        Some("cancelled by an operator"),
        Duration::ZERO,
    )
    .await
}

/// Moves the row on if the run still holds it. What would run again is cancelled instead when an operator asked for it.
/// Snoozes and interruptions are no attempts, and a first attempt that succeeds is told by the row itself.
async fn transition(
    conn: &mut Conn,
    job: &Claimed,
    state: &str,
    outcome: &str,
    error: Option<&str>,
    wait: Duration,
) -> Result<bool> {
    if outcome == "ok" && job.attempt == 1 {
        return complete_first(conn, job).await;
    }
    let error = error.map(|text| text.get(..text.floor_char_boundary(ERROR_MAX)).unwrap_or(text));
    let moved = statement(
        "WITH asked AS (SELECT job_id FROM job_cancellations WHERE job_id = $1),
         moved AS (
             UPDATE jobs SET
                 state = CASE WHEN $3 = 'pending' AND EXISTS (SELECT FROM asked) THEN 'cancelled' ELSE $3 END,
                 last_error = CASE WHEN $3 = 'pending' AND EXISTS (SELECT FROM asked) THEN 'cancelled by an operator'
                                   ELSE coalesce($5, last_error) END,
                 run_at = CASE WHEN $4 IN ('retry', 'snoozed') THEN app_now() + make_interval(secs => $6 / 1000.0) ELSE run_at END,
                 attempt = CASE WHEN $4 IN ('snoozed', 'handed_back') THEN attempt - 1 ELSE attempt END,
                 crashes = CASE WHEN $4 = 'snoozed' THEN 0 ELSE crashes END,
                 ended_at = now(),
                 finished_at = CASE WHEN $3 = 'pending' AND NOT EXISTS (SELECT FROM asked) THEN NULL ELSE app_now() END
             WHERE id = $1 AND lease_token = $2 AND state = 'running'
             RETURNING id, worker, started_at),
         noted AS (
             INSERT INTO job_attempts (job_id, attempt, worker, outcome, error, started_at)
             SELECT id, $7::int::smallint, worker, $4, $5, started_at FROM moved
             WHERE $4 NOT IN ('snoozed', 'handed_back')
             ON CONFLICT (job_id, attempt) DO UPDATE
                 SET worker = excluded.worker, outcome = excluded.outcome, error = excluded.error,
                     started_at = excluded.started_at, ended_at = now())
         SELECT id FROM moved",
    )
    .bind::<BigInt, _>(job.id)
    .bind::<BigInt, _>(job.lease_token)
    .bind::<Text, _>(state)
    .bind::<Text, _>(outcome)
    .bind::<Nullable<Text>, _>(error)
    .bind::<BigInt, _>(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
    .bind::<BigInt, _>(i64::from(job.attempt))
    .execute(conn)
    .await?;
    Ok(moved == 1)
}

/// The plain case: done at the first attempt.
async fn complete_first(conn: &mut Conn, job: &Claimed) -> Result<bool> {
    let moved = statement(
        "UPDATE jobs SET state = 'done', finished_at = app_now(), ended_at = now()
         WHERE id = $1 AND lease_token = $2 AND state = 'running'",
    )
    .bind::<BigInt, _>(job.id)
    .bind::<BigInt, _>(job.lease_token)
    .execute(conn)
    .await?;
    Ok(moved == 1)
}

/// Completes many jobs that have no effect in the database with one commit (by their ids: `state || ''` keeps the planner
/// off the small index of running rows, whose dead entries it does not see). Returns the ids that were still ours.
///
/// # Errors
/// The database's.
pub async fn complete_group(conn: &mut Conn, jobs: &[(JobId, i64)]) -> Result<Vec<JobId>> {
    #[derive(QueryableByName)]
    struct Completed {
        #[diesel(sql_type = BigInt)]
        id: JobId,
    }
    let (ids, tokens): (Vec<JobId>, Vec<i64>) = jobs.iter().copied().unzip();
    let rows: Vec<Completed> = statement(
        "WITH moved AS (
             UPDATE jobs SET state = 'done', finished_at = app_now(), ended_at = now()
             FROM unnest($1, $2) AS m (id, token)
             WHERE jobs.id = m.id AND lease_token = m.token AND state || '' = 'running'
             RETURNING jobs.id, attempt, worker, started_at),
         noted AS (
             INSERT INTO job_attempts (job_id, attempt, worker, outcome, started_at)
             SELECT id, attempt, worker, 'ok', started_at FROM moved WHERE attempt > 1
             ON CONFLICT (job_id, attempt) DO UPDATE SET outcome = excluded.outcome, ended_at = now())
         SELECT id FROM moved",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<BigInt>, _>(tokens)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
