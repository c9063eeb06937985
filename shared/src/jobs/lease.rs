//! Leases: a worker that is silent for longer than its lease loses its jobs.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel_async::RunQueryDsl;

use super::Queue;
use crate::Conn;
use crate::error::Result;
use crate::ids::JobId;
use crate::schema::job_workers;
use crate::statement::statement;

/// Renews the leases of running jobs and returns those that are no longer this worker's.
///
/// A row that is locked is in the middle of its effect's transaction: it is neither renewed nor rescued meanwhile.
///
/// # Errors
/// The database's.
pub async fn renew(conn: &mut Conn, jobs: &[(JobId, i64)], lease_ms: i64) -> Result<Vec<JobId>> {
    #[derive(QueryableByName)]
    struct Lost {
        #[diesel(sql_type = BigInt)]
        id: JobId,
    }
    let (ids, tokens): (Vec<JobId>, Vec<i64>) = jobs.iter().copied().unzip();
    let lost: Vec<Lost> = statement(
        "WITH held AS MATERIALIZED (
             SELECT j.id FROM jobs j JOIN unnest($1, $2) AS m (id, token) ON j.id = m.id
             WHERE j.lease_token = m.token AND j.state || '' = 'running' FOR NO KEY UPDATE OF j SKIP LOCKED),
         renewed AS (
             UPDATE jobs SET lease_until = now() + make_interval(secs => $3 / 1000.0) FROM held WHERE jobs.id = held.id)
         SELECT j.id FROM jobs j JOIN unnest($1, $2) AS m (id, token) ON j.id = m.id
         WHERE j.lease_token <> m.token OR j.state <> 'running'",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<BigInt>, _>(tokens)
    .bind::<BigInt, _>(lease_ms)
    .load(conn)
    .await?;
    Ok(lost.into_iter().map(|row| row.id).collect())
}

/// What a worker says about one of its queues.
#[derive(Clone, Copy, Debug)]
pub struct Presence {
    /// The queue.
    pub queue: Queue,
    /// How many jobs of it the worker can run at a time.
    pub slots: i64,
    /// How many it runs now.
    pub running: i64,
}

/// Says that a worker is there; the dispatch window is computed from its slots. Returns whether an operator asked it to
/// drain. Forgets workers that were silent for an hour.
///
/// # Errors
/// The database's.
pub async fn announce(conn: &mut Conn, worker: &str, queues: &[Presence]) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Asked {
        #[diesel(sql_type = Bool)]
        drain: bool,
    }
    let names: Vec<&str> = queues.iter().map(|presence| presence.queue.as_str()).collect();
    let (slots, running): (Vec<i64>, Vec<i64>) =
        queues.iter().map(|presence| (presence.slots, presence.running)).unzip();
    let asked: Vec<Asked> = statement(
        "WITH forgotten AS (DELETE FROM job_workers WHERE seen_at < now() - interval '1 hour')
         INSERT INTO job_workers (worker, queue, slots, running, seen_at)
         SELECT $1, q.queue, q.slots::int, q.running::int, now() FROM unnest($2, $3, $4) AS q (queue, slots, running)
         ON CONFLICT (worker, queue) DO UPDATE
             SET seen_at = now(), slots = excluded.slots, running = excluded.running
         RETURNING drain_requested_at IS NOT NULL AS drain",
    )
    .bind::<Text, _>(worker)
    .bind::<Array<Text>, _>(names)
    .bind::<Array<BigInt>, _>(slots)
    .bind::<Array<BigInt>, _>(running)
    .load(conn)
    .await?;
    Ok(asked.iter().any(|row| row.drain))
}

/// Says that a worker is gone.
///
/// # Errors
/// The database's.
pub async fn retire(conn: &mut Conn, worker: &str) -> Result<()> {
    diesel::delete(job_workers::table.filter(job_workers::worker.eq(worker))).execute(conn).await?;
    Ok(())
}
