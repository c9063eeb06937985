//! A job that ended, or waits for its next attempt, runs now.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::row::JobRow;
use super::{JobState, Operator};
use crate::error::{OnConstraint as _, Result};
use crate::ids::JobId;
use crate::language::Text;
use crate::schema::{job_cancellations, jobs};
use crate::{Outcome, Tx};

const RUNNING: Text = Text::new(
    "Vazifa hozir bajarilmoqda. Avval uni to'xtating yoki tugashini kuting.",
    "Задание выполняется. Сначала остановите его или дождитесь конца.",
    "It is running. Cancel it first, or wait for its end.",
);
const DONE: Text = Text::new(
    "Vazifa bajarilgan, takrorlanadigan narsa yo'q.",
    "Задание выполнено, повторять нечего.",
    "It is done; there is nothing to retry.",
);
const TAKEN: Text = Text::new(
    "Xuddi shu ish uchun boshqa vazifa navbatda yoki bajarilmoqda.",
    "Для того же дела уже есть живое задание.",
    "Another job with the same business key is waiting or running.",
);

/// What a retry comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    /// Back to life, with all its attempts before it.
    Revive,
    /// It waits: its time is now.
    RunNow,
    /// It is about to run anyway.
    Nothing,
}

/// Runs a job now. Dead and cancelled jobs have the whole number of attempts again; a job that waits for its time or for
/// its next attempt stops waiting. An effect that was applied before is not applied again: its business key is taken.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_STATE` when it is running or done, or while a live job has its business key; `BUSY`.
pub async fn retry(tx: &mut Tx, by: &Operator, id: JobId) -> Result<Outcome> {
    let job = JobRow::lock(tx, id).await?;
    match job.retry(tx)? {
        Retry::Nothing => return Ok(Outcome::AlreadyDone),
        Retry::RunNow => {
            diesel::update(jobs::table.find(id))
                .set(jobs::run_at.eq(tx.now()))
                .execute(tx.conn())
                .await?;
        }
        Retry::Revive => revive(tx, &job).await?,
    }
    tx.ring();
    let details = json!({ "kind": job.kind, "from": job.state, "attempts_so_far": job.attempt });
    by.record(tx, "jobs.retry", ("job", id.to_string()), details).await?;
    Ok(Outcome::Done)
}

impl JobRow {
    fn retry(&self, tx: &Tx) -> Result<Retry> {
        match self.state {
            JobState::Dead | JobState::Cancelled => Ok(Retry::Revive),
            JobState::Pending if self.run_at > tx.now() => Ok(Retry::RunNow),
            JobState::Pending | JobState::Dispatched => Ok(Retry::Nothing),
            JobState::Running => Err(self.refuse(RUNNING)),
            JobState::Done => Err(self.refuse(DONE)),
        }
    }
}

async fn revive(tx: &mut Tx, job: &JobRow) -> Result<()> {
    if let Some(key) = &job.unique_key {
        let live: Option<JobId> = jobs::table
            .select(jobs::id)
            .filter(jobs::unique_key.eq(key))
            .filter(jobs::state.eq_any([
                JobState::Pending,
                JobState::Dispatched,
                JobState::Running,
            ]))
            .first(tx.conn())
            .await
            .optional()?;
        if let Some(live) = live {
            return Err(job.refuse(TAKEN).fact("live_job", live.into()));
        }
    }
    diesel::delete(job_cancellations::table.find(job.id)).execute(tx.conn()).await?;
    let now = tx.now();
    diesel::update(jobs::table.find(job.id))
        .set((
            jobs::state.eq(JobState::Pending),
            jobs::run_at.eq(now),
            jobs::crashes.eq(0),
            jobs::max_attempts.eq(job.attempts_again()),
            jobs::finished_at.eq(None::<chrono::DateTime<chrono::Utc>>),
        ))
        .execute(tx.conn())
        .await
        .on_constraint("jobs_unique_live", || job.refuse(TAKEN))?;
    Ok(())
}
