//! All dead jobs of a kind run again.

use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::Operator;
use super::dead::{Dead, Looked, Mass, Slice, Treatment, in_batches};
use super::row::attempts_of;
use crate::error::{Code, OnConstraint as _, Result};
use crate::statement::statement;
use crate::{Db, Tx};

/// Runs the dead jobs of a kind again, the longest dead first. A job stays dead while another of its business key is
/// live; of several dead ones with the same key, one comes back.
///
/// # Errors
/// `BUSY`; the database's. What earlier batches did stays done.
pub async fn retry_dead(db: &Db, by: &Operator, dead: &Dead) -> Result<Mass> {
    in_batches(db, by, dead, &Retry).await
}

struct Retry;

impl Treatment for Retry {
    const ACTION: &'static str = "jobs.retry_dead";

    async fn treat(&self, tx: &mut Tx, _by: &Operator, slice: Slice<'_>) -> Result<Vec<Looked>> {
        statement(
            "WITH dead AS MATERIALIZED (
                 SELECT id, unique_key, finished_at FROM jobs
                 WHERE state = 'dead' AND kind = $1 AND finished_at <= $2 AND (finished_at, id) > ($3, $4)
                 ORDER BY finished_at, id LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED),
             chosen AS (
                 SELECT DISTINCT ON (unique_key, CASE WHEN unique_key IS NULL THEN id END) id FROM dead d
                 WHERE NOT EXISTS (SELECT FROM jobs live WHERE live.unique_key = d.unique_key
                                   AND live.state IN ('pending', 'dispatched', 'running'))
                 ORDER BY unique_key, CASE WHEN unique_key IS NULL THEN id END, finished_at, id),
             revived AS (
                 UPDATE jobs SET state = 'pending', run_at = app_now(), crashes = 0, finished_at = NULL,
                                 max_attempts = least(32767, attempt + coalesce($6, max_attempts))
                 WHERE id = ANY (ARRAY(SELECT id FROM chosen)) RETURNING id),
             forgotten AS (DELETE FROM job_cancellations WHERE job_id = ANY (ARRAY(SELECT id FROM revived)))
             SELECT d.id, d.finished_at, r.id IS NOT NULL AS changed
             FROM dead d LEFT JOIN revived r ON r.id = d.id ORDER BY d.finished_at, d.id",
        )
        .bind::<Text, _>(slice.kind)
        .bind::<Timestamptz, _>(slice.died_before)
        .bind::<Timestamptz, _>(slice.after.0)
        .bind::<BigInt, _>(slice.after.1)
        .bind::<BigInt, _>(slice.limit)
        .bind::<Nullable<Integer>, _>(attempts_of(slice.kind).map(i32::from))
        .load(tx.conn())
        .await
        // A job of the same key was recorded at this very moment: the next try sees it.
        .on_constraint("jobs_unique_live", || Code::Busy.into())
    }
}
