//! A dead job that nobody needs any more.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text as SqlText, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::dead::{Dead, Looked, Mass, Slice, Treatment, in_batches};
use super::row::JobRow;
use super::{JobState, Operator};
use crate::error::Result;
use crate::ids::JobId;
use crate::language::Text;
use crate::schema::jobs;
use crate::statement::statement;
use crate::{Db, Outcome, Tx};

const NOT_DEAD: Text = Text::new(
    "Faqat o'lik vazifani chiqarib tashlash mumkin; kutayotgan yoki bajarilayotganini bekor qiling.",
    "Отбросить можно только мёртвое задание; ждущее или идущее отмените.",
    "Only a dead job can be discarded; cancel one that waits or runs.",
);

/// Takes a dead job off the dead letter: it is cancelled, and kept as long as cancelled jobs are.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_STATE` unless it is dead; `BUSY`.
pub async fn discard(tx: &mut Tx, by: &Operator, id: JobId) -> Result<Outcome> {
    let job = JobRow::lock(tx, id).await?;
    match job.state {
        JobState::Dead => {}
        JobState::Cancelled => return Ok(Outcome::AlreadyDone),
        JobState::Pending | JobState::Dispatched | JobState::Running | JobState::Done => {
            return Err(job.refuse(NOT_DEAD));
        }
    }
    let now = tx.now();
    diesel::update(jobs::table.find(id))
        .set((
            jobs::state.eq(JobState::Cancelled),
            jobs::last_error.eq(by.sentence("discarded")),
            jobs::finished_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    let details = json!({ "kind": job.kind, "from": job.state });
    by.record(tx, "jobs.discard", ("job", id.to_string()), details).await?;
    Ok(Outcome::Done)
}

/// Takes the dead jobs of a kind off the dead letter, the longest dead first.
///
/// # Errors
/// `BUSY`; the database's. What earlier batches did stays done.
pub async fn discard_dead(db: &Db, by: &Operator, dead: &Dead) -> Result<Mass> {
    in_batches(db, by, dead, &Discard).await
}

struct Discard;

impl Treatment for Discard {
    const ACTION: &'static str = "jobs.discard_dead";

    async fn treat(&self, tx: &mut Tx, by: &Operator, slice: Slice<'_>) -> Result<Vec<Looked>> {
        let looked = statement(
            "WITH dead AS MATERIALIZED (
                 SELECT id, finished_at FROM jobs
                 WHERE state = 'dead' AND kind = $1 AND finished_at <= $2 AND (finished_at, id) > ($3, $4)
                 ORDER BY finished_at, id LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED),
             discarded AS (
                 UPDATE jobs SET state = 'cancelled', last_error = $6, finished_at = app_now()
                 WHERE id = ANY (ARRAY(SELECT id FROM dead)) RETURNING id)
             SELECT d.id, d.finished_at, c.id IS NOT NULL AS changed
             FROM dead d LEFT JOIN discarded c ON c.id = d.id ORDER BY d.finished_at, d.id",
        )
        .bind::<SqlText, _>(slice.kind)
        .bind::<Timestamptz, _>(slice.died_before)
        .bind::<Timestamptz, _>(slice.after.0)
        .bind::<BigInt, _>(slice.after.1)
        .bind::<BigInt, _>(slice.limit)
        .bind::<SqlText, _>(by.sentence("discarded"))
        .load(tx.conn())
        .await?;
        Ok(looked)
    }
}
