//! Long work: batch after batch, each committed with its progress, and a pause between two of them to see whether the
//! work is still wanted, still ours, and not hogging its slot.

use std::time::{Duration, Instant};

use shared::Outcome;
use shared::error::Result;
use shared::jobs::{self, Batch, BatchRunner, Claimed, Entry, JobVerdict, Origin, Progress};

use crate::engine::Engine;
use crate::executor::{Ended, limited};

/// After this long the job goes to the end of its queue, so that others have their turn.
const SLICE: Duration = Duration::from_secs(30);

enum Step {
    More(Progress),
    Ended(Ended),
}

impl Engine {
    /// Works until the last batch, the end of the slice, or a shutdown.
    pub(crate) async fn run_batches(
        &self,
        entry: &Entry,
        job: &mut Claimed,
        runner: &dyn BatchRunner,
    ) -> Result<Ended> {
        let started = Instant::now();
        let mut progress = job.progress();
        loop {
            match limited(entry, self.one_batch(entry, job, runner, progress)).await? {
                Step::Ended(ended) => return Ok(ended),
                Step::More(saved) => progress = saved,
            }
            // As it was saved: what has been achieved does not use up attempts.
            job.max_attempts = attempts_from_here(entry, job);
            if self.draining.is_cancelled() {
                let conn = &mut self.app.db.read().await?;
                let ours = jobs::hand_back(conn, job).await?;
                return Ok(if ours { Ended::HandedBack } else { Ended::Stale });
            }
            if started.elapsed() > SLICE {
                return self.fenced(job, async |_| Ok(JobVerdict::Snooze(Duration::ZERO))).await;
            }
        }
    }

    async fn one_batch(
        &self,
        entry: &Entry,
        job: &Claimed,
        runner: &dyn BatchRunner,
        so_far: Progress,
    ) -> Result<Step> {
        self.app
            .db
            .transaction(async |tx| {
                tx.caused_by(Origin::Job);
                if !jobs::fence(tx, job).await? {
                    return Ok(Step::Ended(Ended::Stale));
                }
                if jobs::is_cancel_requested(tx, job.id).await? {
                    let verdict = JobVerdict::Cancel("cancelled by an operator".to_owned());
                    jobs::settle(tx, job, &verdict).await?;
                    return Ok(Step::Ended(Ended::Settled(verdict)));
                }
                let args = job.args.clone();
                let step = runner.batch(args, job.args_version, tx, &self.app, so_far).await?;
                let (progress, verdict) = match step {
                    Ok(Batch::More(progress)) => (Some(progress), None),
                    Ok(Batch::Last(progress)) => {
                        (Some(progress), Some(JobVerdict::Done(Outcome::Done)))
                    }
                    Err(verdict) => (None, Some(verdict)),
                };
                if let Some(progress) = &progress {
                    let attempts = attempts_from_here(entry, job);
                    jobs::save_progress(tx, job, progress, attempts).await?;
                }
                if let Some(verdict) = verdict {
                    jobs::settle(tx, job, &verdict).await?;
                    return Ok(Step::Ended(Ended::Settled(verdict)));
                }
                (self.probe)("before_commit");
                Ok(Step::More(progress.unwrap_or_default()))
            })
            .await
            .inspect(|_| (self.probe)("after_commit"))
    }
}

/// The whole number of attempts again, counted from this one.
fn attempts_from_here(entry: &Entry, job: &Claimed) -> i16 {
    (job.attempt - 1).saturating_add(entry.limits.max_attempts)
}
