//! Runs one claimed job: effect and completion commit together, and whatever happens becomes a transition of the row.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use rand::Rng as _;
use shared::error::{Error, Kind, Result};
use shared::jobs::{self, Call, Claimed, Entry, JobVerdict, Origin, Prepared, Runner};
use shared::telemetry::sentry::{Ended as PieceEnded, Piece};
use shared::telemetry::{metrics, trace};
use shared::{Outcome, Tx};
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument as _;

use crate::engine::Engine;
use crate::running::Stop;

/// How a run ended, for the metrics and the log.
pub(crate) enum Ended {
    /// The verdict is committed.
    Settled(JobVerdict),
    /// The process ends: another worker goes on.
    HandedBack,
    /// Another worker has the job: nothing of this run is committed.
    Stale,
}

impl Engine {
    /// Runs one claimed job to its end. Never fails: what cannot be written is rescued when the lease runs out.
    ///
    /// The slot is given up as soon as only the completion is left to be written together with others.
    pub(crate) async fn execute(&self, mut job: Claimed, mut slot: Option<OwnedSemaphorePermit>) {
        let Some(entry) = self.registry.get(&job.kind) else {
            // Claims name the kinds this process knows, so this is a bug; the lease gives the job to another.
            tracing::error!(target: "jobs", id = job.id, kind = job.kind, "claimed a job of an unknown kind");
            return;
        };
        let trace_id = job.trace_id.clone().unwrap_or_else(|| format!("job-{}", job.id));
        let span = tracing::info_span!(target: "jobs", "job", id = job.id, kind = job.kind, attempt = job.attempt, trace_id);
        let labels = [entry.kind, entry.queue.as_str()];
        metrics::JOB_STARTED.with_label_values(&labels).inc();
        metrics::observe(
            &metrics::JOB_WAIT,
            &labels,
            Duration::from_millis(u64::try_from(job.waited_ms).unwrap_or(0)),
        );
        let piece = Piece::begin("queue.process", entry.kind, Some(&trace_id));
        let started = Instant::now();
        let run = trace::scope(trace_id, self.run_to_end(entry, &mut job, &mut slot));
        let outcome = Piece::run(piece.as_ref(), run.instrument(span.clone())).await;
        if let Some(piece) = piece {
            piece.end(how(outcome));
        }
        metrics::observe(&metrics::JOB_DURATION, &[entry.kind], started.elapsed());
        metrics::JOB_FINISHED.with_label_values(&[entry.kind, entry.queue.as_str(), outcome]).inc();
        if matches!(outcome, "ok" | "dead" | "cancelled") {
            metrics::observe_attempts(entry.kind, job.attempt);
        }
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        span.in_scope(
            || tracing::info!(target: "jobs", outcome, elapsed_ms, "job {} {}", job.kind, outcome),
        );
    }

    async fn run_to_end(
        &self,
        entry: &Entry,
        job: &mut Claimed,
        slot: &mut Option<OwnedSemaphorePermit>,
    ) -> &'static str {
        let guard = self.running.enter(job, entry.queue);
        // What was asked of the outside cannot be taken back by dropping the question.
        let heeds = |stop| stop != Stop::Cancelled || !matches!(entry.runner, Runner::External(_));
        let run = AssertUnwindSafe(self.run(entry, job, slot)).catch_unwind();
        let ended = tokio::select! {
            stop = guard.stopped(heeds) => Err(stop),
            ended = run => Ok(ended),
        };
        let ended = match ended {
            Ok(Ok(ended)) => ended,
            Ok(Err(panic)) => {
                Err(Error::internal(format!("panicked: {}", panic_text(panic.as_ref()))))
            }
            Err(stop) => self.stop(job, stop).await,
        };
        match ended {
            Ok(Ended::Settled(verdict)) => settled(entry, &verdict),
            Ok(Ended::HandedBack) => "handed_back",
            Ok(Ended::Stale) => stale(entry),
            Err(error) => self.failed(entry, job, &error).await,
        }
    }

    async fn run(
        &self,
        entry: &Entry,
        job: &mut Claimed,
        slot: &mut Option<OwnedSemaphorePermit>,
    ) -> Result<Ended> {
        match &entry.runner {
            Runner::Effect(runner) => {
                let run = self.fenced(job, async |tx| {
                    runner.run(job.args.clone(), job.args_version, tx, &self.app).await
                });
                limited(entry, run).await
            }
            Runner::Plain(runner) => {
                let run = runner.run(job.args.clone(), job.args_version, &self.app);
                match limited(entry, run).await? {
                    JobVerdict::Done(_) => {
                        drop(slot.take());
                        self.complete_in_group(job).await
                    }
                    verdict @ (JobVerdict::Snooze(_)
                    | JobVerdict::Retry(_)
                    | JobVerdict::Dead(_)
                    | JobVerdict::Cancel(_)) => self.fenced(job, async |_| Ok(verdict)).await,
                }
            }
            Runner::External(runner) => {
                let run = async {
                    let prepare = async |tx: &mut Tx| {
                        runner.prepare(job.args.clone(), job.args_version, tx, &self.app).await
                    };
                    match self.app.db.transaction(prepare).await? {
                        Prepared::Call(call) => self.call_outside(entry, job, call).await,
                        Prepared::Settled(verdict) => self.fenced(job, async |_| Ok(verdict)).await,
                    }
                };
                limited(entry, Box::pin(run)).await
            }
            // Kept out of the future of every run: the long way is rarely taken.
            Runner::Batch(runner) => Box::pin(self.run_batches(entry, job, runner.as_ref())).await,
        }
    }

    /// Ends a run that was told to stop; it is dropped by now, and whatever it had not committed is rolled back.
    async fn stop(&self, job: &Claimed, stop: Stop) -> Result<Ended> {
        let conn = &mut self.app.db.read().await?;
        let (ours, ended) = match stop {
            Stop::Lost => (false, Ended::Stale),
            Stop::Interrupted => {
                tracing::warn!(target: "jobs", "handed back at shutdown");
                (jobs::hand_back(conn, job).await?, Ended::HandedBack)
            }
            Stop::Cancelled => {
                tracing::warn!(target: "jobs", "stopped by an operator");
                let reason = "cancelled by an operator".to_owned();
                let ended = Ended::Settled(JobVerdict::Cancel(reason));
                (jobs::cancel_run(conn, job).await?, ended)
            }
        };
        Ok(if ours { ended } else { Ended::Stale })
    }

    /// Completes a job without an effect, together with others that end at the same time.
    async fn complete_in_group(&self, job: &Claimed) -> Result<Ended> {
        match self.completions.submit((job.id, job.lease_token)).await {
            Some(true) => Ok(Ended::Settled(JobVerdict::Done(Outcome::Done))),
            Some(false) => Ok(Ended::Stale),
            None => Err(Error::unavailable("the completion could not be written")),
        }
    }

    /// Talks to the outside in no transaction, when it is this call's turn, then records the answer in the fenced one.
    async fn call_outside(
        &self,
        entry: &Entry,
        job: &Claimed,
        mut call: Box<dyn Call>,
    ) -> Result<Ended> {
        if let Some(interval) = self.app.settings.jobs.call_interval(entry.queue) {
            let turn = {
                let conn = &mut self.app.db.read().await?;
                jobs::reserve(conn, entry.queue.as_str(), interval).await?
            };
            let Some(wait) = turn else {
                let later = Duration::from_millis(rand::rng().random_range(1_000..3_000));
                return self.fenced(job, async |_| Ok(JobVerdict::Snooze(later))).await;
            };
            tokio::time::sleep(wait).await;
        }
        call.call(&self.app).await?;
        self.fenced(job, async |tx| call.record(tx, &self.app).await).await
    }

    /// Opens the fenced transaction, runs `work` in it, and completes the job in it.
    pub(crate) async fn fenced<F>(&self, job: &Claimed, work: F) -> Result<Ended>
    where
        F: for<'t> AsyncFnOnce(&'t mut Tx) -> Result<JobVerdict>
            + for<'t> shared::db::Work<&'t mut Tx, Result<JobVerdict>, Fut: Send>
            + Send,
    {
        self.app
            .db
            .transaction(async |tx| {
                tx.caused_by(Origin::Job);
                if !jobs::fence(tx, job).await? {
                    return Ok(Ended::Stale);
                }
                let verdict = work(tx).await?;
                if let JobVerdict::Retry(reason) = verdict {
                    return Err(Error::unavailable(reason));
                }
                jobs::settle(tx, job, &verdict).await?;
                (self.probe)("before_commit");
                Ok(Ended::Settled(verdict))
            })
            .await
            .inspect(|_| (self.probe)("after_commit"))
    }

    /// Kind → retry or give up: our faults and what passes are tried again, what no retry changes is dead at once.
    async fn failed(&self, entry: &Entry, job: &Claimed, error: &Error) -> &'static str {
        let passes = match error.kind() {
            Kind::Internal | Kind::Unavailable => true,
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::PaymentRequired
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::MethodNotAllowed
            | Kind::TooSlow
            | Kind::Conflict
            | Kind::TooLarge
            | Kind::Unsupported
            | Kind::Unprocessable
            | Kind::TooMany => false,
        };
        let wait = (passes && job.attempt < job.max_attempts)
            .then(|| entry.limits.backoff.after(job.attempt));
        let written = async {
            let conn = &mut self.app.db.read().await?;
            jobs::fail(conn, job, &error.causes(), wait).await
        };
        match written.await {
            Ok(true) if wait.is_some() => {
                tracing::warn!(target: "jobs", error = error.causes(), "run failed, will be tried again");
                "retry"
            }
            Ok(true) => {
                tracing::error!(target: "jobs", error = error.causes(), "job is dead");
                "dead"
            }
            Ok(false) => stale(entry),
            Err(unwritten) => {
                tracing::error!(target: "jobs", error = error.causes(), unwritten = unwritten.causes(), "run failed and cannot say so; its lease will");
                "retry"
            }
        }
    }
}

/// Gives a run as long as its kind may take.
pub(crate) async fn limited<T>(entry: &Entry, run: impl Future<Output = Result<T>>) -> Result<T> {
    let limit = entry.limits.timeout;
    tokio::time::timeout(limit, run)
        .await
        .unwrap_or_else(|_| Err(Error::unavailable(format!("timed out after {limit:?}"))))
}

fn settled(entry: &Entry, verdict: &JobVerdict) -> &'static str {
    match verdict {
        JobVerdict::Done(Outcome::Done) => "ok",
        JobVerdict::Done(Outcome::AlreadyDone) => {
            metrics::EFFECT_DUPLICATE.with_label_values(&[entry.kind]).inc();
            "ok"
        }
        JobVerdict::Snooze(_) => "snoozed",
        JobVerdict::Retry(_) => "retry",
        JobVerdict::Dead(reason) => {
            tracing::error!(target: "jobs", reason, "job is dead");
            "dead"
        }
        JobVerdict::Cancel(_) => "cancelled",
    }
}

/// How a run with this outcome is reported.
fn how(outcome: &str) -> PieceEnded {
    match outcome {
        "retry" | "dead" => PieceEnded::Failed(Kind::Internal),
        "cancelled" | "handed_back" | "stale" => PieceEnded::Cancelled,
        _ => PieceEnded::Well,
    }
}

fn stale(entry: &Entry) -> &'static str {
    metrics::JOB_STALE.with_label_values(&[entry.kind]).inc();
    "stale"
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
