//! How jobs look on the wire.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::JobId;
use shared::jobs::operate::{Attempt, Inspection, JobState, JobView, StopRequest};
use shared::language::Language;

use crate::prelude::*;

/// A job of the platform.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobOut {
    id: JobId,
    kind: String,
    queue: String,
    /// `pending`, `dispatched`, `running`, `done`, `dead` or `cancelled`.
    #[salvo(schema(value_type = String))]
    state: JobState,
    /// When it is due (business time).
    #[salvo(schema(value_type = String, format = DateTime))]
    run_at: DateTime<Utc>,
    /// Attempts so far, the running one included.
    attempt: i16,
    max_attempts: i16,
    /// Workers that vanished with it since it last got on.
    crashes: i16,
    /// Its business key: one live job has it.
    unique_key: Option<String>,
    /// The request or job that caused it.
    trace_id: Option<String>,
    /// Who runs it, or ran it last.
    worker: Option<String>,
    /// What went wrong last, or why it was cancelled.
    last_error: Option<String>,
    /// Long work: rows that are done.
    progress_done: Option<i64>,
    /// Long work: rows that were due when they were counted.
    progress_total: Option<i64>,
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
    /// When its last run began (real time).
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    started_at: Option<DateTime<Utc>>,
    /// When its last run ended (real time).
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    ended_at: Option<DateTime<Utc>>,
    /// When it was done, died or was cancelled (business time).
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    finished_at: Option<DateTime<Utc>>,
    /// Seconds since it was due, was handed out, began or ended, by its state; below zero until it is due.
    age_seconds: i64,
}

impl Shown for JobOut {}

impl From<JobView> for JobOut {
    fn from(job: JobView) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            queue: job.queue,
            state: job.state,
            run_at: job.run_at,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            crashes: job.crashes,
            unique_key: job.unique_key,
            trace_id: job.trace_id,
            worker: job.worker,
            last_error: job.last_error,
            progress_done: job.progress_done,
            progress_total: job.progress_total,
            created_at: job.created_at,
            started_at: job.started_at,
            ended_at: job.ended_at,
            finished_at: job.finished_at,
            age_seconds: job.age_seconds,
        }
    }
}

/// One attempt of a job.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobAttemptOut {
    attempt: i16,
    /// `ok`, `retry`, `dead`, `cancelled`, `crashed`, or `running`.
    outcome: String,
    worker: String,
    #[salvo(schema(value_type = String, format = DateTime))]
    started_at: DateTime<Utc>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    ended_at: Option<DateTime<Utc>>,
    duration_ms: Option<i64>,
    error: Option<String>,
}

impl From<Attempt> for JobAttemptOut {
    fn from(attempt: Attempt) -> Self {
        Self {
            attempt: attempt.attempt,
            outcome: attempt.outcome,
            worker: attempt.worker,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            duration_ms: attempt.duration_ms,
            error: attempt.error,
        }
    }
}

/// An operator's wish that a run should stop.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobStopOut {
    #[salvo(schema(value_type = String, format = DateTime))]
    requested_at: DateTime<Utc>,
    requested_by: String,
}

impl From<StopRequest> for JobStopOut {
    fn from(stop: StopRequest) -> Self {
        Self { requested_at: stop.requested_at, requested_by: stop.requested_by }
    }
}

/// What happens to a job next.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobNextOut {
    /// Stable: decide by it.
    code: &'static str,
    /// For people, in the caller's language.
    message: String,
}

/// A job with all that is known about it.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobDetailOut {
    #[serde(flatten)]
    job: JobOut,
    /// Its arguments; `***` stands for what is named or looks like a secret.
    #[salvo(schema(value_type = Object))]
    args: Value,
    args_version: i16,
    /// Long work: where the next batch begins.
    #[salvo(schema(value_type = Option<Object>))]
    progress_cursor: Option<Value>,
    /// An operator asked its run to stop.
    stop: Option<JobStopOut>,
    /// The first one first.
    attempts: Vec<JobAttemptOut>,
    next: JobNextOut,
}

impl Shown for JobDetailOut {}

impl JobDetailOut {
    /// A job as this reader reads it.
    pub(super) fn new(inspection: Inspection, language: Language) -> Self {
        let next = inspection.next;
        Self {
            job: inspection.job.into(),
            args: inspection.args,
            args_version: inspection.args_version,
            progress_cursor: inspection.cursor,
            stop: inspection.stop.map(JobStopOut::from),
            attempts: inspection.attempts.into_iter().map(JobAttemptOut::from).collect(),
            next: JobNextOut { code: next.code(), message: next.sentence(language) },
        }
    }
}
