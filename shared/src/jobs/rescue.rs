//! Rescue: a job whose worker vanished runs again, and a job that keeps killing its worker does not.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::error::Result;
use crate::statement::statement;

/// A job that took this many workers with it is dead: it never loops for ever.
pub const MAX_CRASHES: i32 = 3;

/// What became of a job whose lease ran out.
#[derive(Debug, QueryableByName)]
pub struct Rescued {
    /// Its kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Its queue.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// `pending`, `dead` when it crashed too often, or `cancelled` when an operator wanted it stopped.
    #[diesel(sql_type = Text)]
    pub state: String,
}

/// Takes jobs from workers that were silent for longer than their lease.
///
/// # Errors
/// The database's.
pub async fn rescue(conn: &mut Conn) -> Result<Vec<Rescued>> {
    let rows = statement(
        "WITH lost AS MATERIALIZED (
             SELECT id, attempt, worker, started_at,
                    EXISTS (SELECT FROM job_cancellations c WHERE c.job_id = jobs.id) AS unwanted FROM jobs
             WHERE state = 'running' AND lease_until < now()
             ORDER BY lease_until LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED),
         moved AS (
             UPDATE jobs SET
                 crashes = crashes + 1, lease_token = lease_token + 1, ended_at = now(),
                 last_error = 'the worker vanished',
                 state = CASE WHEN unwanted THEN 'cancelled'
                              WHEN crashes + 1 >= $1 OR jobs.attempt >= max_attempts THEN 'dead' ELSE 'pending' END,
                 finished_at = CASE WHEN unwanted OR crashes + 1 >= $1 OR jobs.attempt >= max_attempts THEN app_now() END
             FROM lost WHERE jobs.id = lost.id
             RETURNING jobs.id, jobs.kind, jobs.queue, jobs.state),
         noted AS (
             INSERT INTO job_attempts (job_id, attempt, worker, outcome, error, started_at)
             SELECT id, attempt, worker, 'crashed', 'the worker vanished', started_at FROM lost
             ON CONFLICT (job_id, attempt) DO NOTHING)
         SELECT kind, queue, state FROM moved",
    )
    .bind::<Integer, _>(MAX_CRASHES)
    .load(conn)
    .await?;
    Ok(rows)
}
