//! Retention: finished jobs and old ticks are removed, and what others still decide by is kept.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::walk::ago;
use super::{Queue, Stretch};
use crate::error::Result;
use crate::ids::JobId;
use crate::settings::JobSettings;
use crate::statement::statement;
use crate::{Conn, Tx};

/// Rows per table and batch; the statements below name it too.
const BATCH: i64 = 1_000;
/// How long a tick is kept.
const KEEP_TICKS: Duration = Duration::from_secs(90 * 86_400);

/// Until when rows are old.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retention {
    /// Done and cancelled jobs that finished before.
    done_before: DateTime<Utc>,
    /// Dead jobs that died before.
    dead_before: DateTime<Utc>,
    /// Ticks before.
    ticks_before: DateTime<Utc>,
}

impl Retention {
    /// What the settings keep at an instant.
    #[must_use]
    pub(super) fn at(now: DateTime<Utc>, settings: &JobSettings) -> Self {
        Self {
            done_before: ago(now, settings.keep_done),
            dead_before: ago(now, settings.keep_dead),
            ticks_before: ago(now, KEEP_TICKS),
        }
    }
}

/// The jobs that ended before `$1` (done, cancelled) or `$2` (dead), and the ticks before `$3` that are not the last of
/// their schedule. No index on the end is needed, which every completion would pay for: ids grow with time, so a
/// bisection finds the first job that is too young, and only what lies before it is read.
macro_rules! with_old {
    ($rest:literal) => {
        statement(concat!(
            "WITH RECURSIVE bisection (low, high) AS (
                 SELECT coalesce(min(id), 0), coalesce(max(id), 0) + 1 FROM jobs
                 UNION ALL
                 SELECT CASE WHEN young THEN low ELSE middle + 1 END, CASE WHEN young THEN middle ELSE high END
                 FROM (SELECT low, high, (low + high) / 2 AS middle,
                              coalesce((SELECT created_at FROM jobs WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1)
                                       >= greatest($1, $2), true) AS young
                       FROM bisection WHERE low < high) AS probe),
             young AS MATERIALIZED (SELECT max(low) AS id FROM bisection), ",
            $rest
        ))
    };
}

/// How many jobs and ticks are old. Counts no further than a million of each.
///
/// # Errors
/// The database's.
pub(super) async fn count_old(conn: &mut Conn, retention: Retention) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        old: i64,
    }
    let count: Count = with_old!(
        "old_jobs AS (
             SELECT id FROM jobs WHERE id < (SELECT id FROM young)
               AND (state IN ('done', 'cancelled') AND finished_at < $1 OR state = 'dead' AND finished_at < $2)
             LIMIT 1000000),
         old_ticks AS (
             SELECT FROM cron_ticks t WHERE tick_at < $3
               AND EXISTS (SELECT FROM cron_ticks n WHERE n.schedule = t.schedule
                           AND n.tick_at > t.tick_at AND n.tick_at <= app_now())
             LIMIT 1000000)
         SELECT (SELECT count(*) FROM old_jobs) + (SELECT count(*) FROM old_ticks) AS old"
    )
    .bind::<Timestamptz, _>(retention.done_before)
    .bind::<Timestamptz, _>(retention.dead_before)
    .bind::<Timestamptz, _>(retention.ticks_before)
    .get_result(conn)
    .await?;
    Ok(count.old)
}

#[derive(QueryableByName)]
struct Pruned {
    #[diesel(sql_type = BigInt)]
    old: i64,
    #[diesel(sql_type = BigInt)]
    removed: i64,
    #[diesel(sql_type = BigInt)]
    ticks: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    last: Option<JobId>,
}

/// Removes the next old jobs, with what operators asked of them, and old ticks but the last of each schedule: the last whose
/// time has come, for that is where a scheduler goes on.
///
/// A dead or cancelled job is the last word on its business key: the reconcilers do not repeat what it stopped. Where
/// they look it is kept until a later job has the key. A job that somebody holds is left to the next run.
///
/// # Errors
/// The database's.
pub(super) async fn prune(
    tx: &mut Tx,
    retention: Retention,
    after: Option<JobId>,
) -> Result<Stretch<JobId>> {
    let reconciled: Vec<&str> = Queue::ALL
        .iter()
        .filter(|queue| queue.is_reconciled())
        .map(|queue| queue.as_str())
        .collect();
    let pruned: Pruned = with_old!(
        "old AS MATERIALIZED (
             SELECT id, queue, state, unique_key FROM jobs WHERE id > $4 AND id < (SELECT id FROM young)
               AND (state IN ('done', 'cancelled') AND finished_at < $1 OR state = 'dead' AND finished_at < $2)
             ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED),
         removed AS (
             DELETE FROM jobs USING old o WHERE jobs.id = o.id
               AND (o.state = 'done' OR o.unique_key IS NULL OR o.queue <> ALL ($5)
                    OR EXISTS (SELECT FROM jobs later WHERE later.unique_key = o.unique_key AND later.id > o.id))
             RETURNING jobs.id),
         requests AS (DELETE FROM job_cancellations c USING removed r WHERE c.job_id = r.id),
         old_ticks AS MATERIALIZED (
             SELECT schedule, tick_at FROM cron_ticks t WHERE tick_at < $3
               AND EXISTS (SELECT FROM cron_ticks n WHERE n.schedule = t.schedule
                           AND n.tick_at > t.tick_at AND n.tick_at <= app_now())
             LIMIT 1000),
         ticks AS (
             DELETE FROM cron_ticks t USING old_ticks o WHERE t.schedule = o.schedule AND t.tick_at = o.tick_at
             RETURNING t.tick_at)
         SELECT count(*) AS old, max(id) AS last, (SELECT count(*) FROM removed) AS removed,
                (SELECT count(*) FROM ticks) AS ticks FROM old"
    )
    .bind::<Timestamptz, _>(retention.done_before)
    .bind::<Timestamptz, _>(retention.dead_before)
    .bind::<Timestamptz, _>(retention.ticks_before)
    .bind::<BigInt, _>(after.unwrap_or(0))
    .bind::<Array<Text>, _>(reconciled)
    .get_result(tx.conn())
    .await?;
    let Pruned { old, removed, ticks, last } = pruned;
    if removed + ticks > 0 {
        tracing::info!(target: "jobs", removed, kept = old - removed, ticks, "old jobs and ticks removed");
    }
    let full = old >= BATCH || ticks >= BATCH;
    let done = usize::try_from(old + ticks).unwrap_or(usize::MAX);
    Ok(Stretch { done, last: full.then_some(last.or(after).unwrap_or(0)) })
}
