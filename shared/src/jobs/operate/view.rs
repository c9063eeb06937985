//! A job as operators see it in a list.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::Serialize;

use super::JobState;
use crate::ids::JobId;
use crate::schema::jobs;

/// A job, without its arguments.
#[derive(Clone, Debug, Serialize, Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub struct JobView {
    /// The job.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// Where it waits.
    pub queue: String,
    /// The stored state.
    pub state: JobState,
    /// When it is due (business time).
    pub run_at: DateTime<Utc>,
    /// Attempts so far, the running one included.
    pub attempt: i16,
    /// How many there may be.
    pub max_attempts: i16,
    /// Workers that vanished with it since it last got on.
    pub crashes: i16,
    /// Its business key: one live job has it.
    pub unique_key: Option<String>,
    /// The request or job that caused it.
    pub trace_id: Option<String>,
    /// Who runs it, or ran it last.
    pub worker: Option<String>,
    /// What went wrong last, or why it was cancelled.
    pub last_error: Option<String>,
    /// Long work: rows that are done.
    pub progress_done: Option<i64>,
    /// Long work: rows that were due when they were counted.
    pub progress_total: Option<i64>,
    /// When it was recorded (business time).
    pub created_at: DateTime<Utc>,
    /// When its last run began (real time).
    pub started_at: Option<DateTime<Utc>>,
    /// When its last run ended (real time).
    pub ended_at: Option<DateTime<Utc>>,
    /// When it was done, died or was cancelled (business time).
    pub finished_at: Option<DateTime<Utc>>,
    /// Seconds since it was due, was handed out, began or ended, by its state; below zero until it is due.
    #[diesel(select_expression = sql::<BigInt>(AGE), select_expression_type = SqlLiteral<BigInt>)]
    pub age_seconds: i64,
}

/// Business time is compared with business time, and real time with real time.
const AGE: &str = "floor(extract(epoch FROM CASE jobs.state
    WHEN 'pending' THEN app_now() - jobs.run_at
    WHEN 'dispatched' THEN now() - jobs.dispatched_at
    WHEN 'running' THEN now() - jobs.started_at
    ELSE app_now() - coalesce(jobs.finished_at, jobs.created_at) END))::bigint";

impl JobView {
    /// The state, and what is pending by why it waits.
    #[must_use]
    pub fn shown_state(&self) -> &'static str {
        match self.state {
            JobState::Pending if self.attempt > 0 => "retrying",
            JobState::Pending if self.age_seconds < 0 => "scheduled",
            JobState::Pending => "ready",
            JobState::Dispatched
            | JobState::Running
            | JobState::Done
            | JobState::Dead
            | JobState::Cancelled => self.state.as_str(),
        }
    }
}
