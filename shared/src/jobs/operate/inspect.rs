//! One job with all that is known about it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use serde_json::Value;

use super::mask::mask;
use super::next::Facts;
use super::{JobState, JobView, Next};
use crate::Conn;
use crate::error::Result;
use crate::ids::JobId;
use crate::jobs::registry;
use crate::schema::{job_attempts, jobs};
use crate::statement::statement;

/// The last attempts that are shown.
const ATTEMPTS_MAX: i64 = 100;

/// One job with all that is known about it.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The row.
    pub job: JobView,
    /// Its arguments, with secrets masked.
    pub args: Value,
    /// The version they were written in.
    pub args_version: i16,
    /// Long work: where the next batch begins, with secrets masked.
    pub cursor: Option<Value>,
    /// An operator's wish that the run should stop.
    pub stop: Option<StopRequest>,
    /// Its attempts, the first one first.
    pub attempts: Vec<Attempt>,
    /// What happens next.
    pub next: Next,
}

/// An operator's wish that a run should stop.
#[derive(Clone, Debug, Serialize)]
pub struct StopRequest {
    /// Since when (real time).
    pub requested_at: DateTime<Utc>,
    /// By whom.
    pub requested_by: String,
}

/// One attempt.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// Its number, from 1.
    pub attempt: i16,
    /// `ok`, `retry`, `dead`, `cancelled`, `crashed`, or `running`.
    pub outcome: String,
    /// Who ran it.
    pub worker: String,
    /// When it began (real time).
    pub started_at: DateTime<Utc>,
    /// When it ended (real time).
    pub ended_at: Option<DateTime<Utc>>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// What went wrong.
    pub error: Option<String>,
}

/// What stands beside the row.
#[derive(QueryableByName)]
struct Surroundings {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    real_now: DateTime<Utc>,
    #[diesel(sql_type = Jsonb)]
    args: Value,
    #[diesel(sql_type = SmallInt)]
    args_version: i16,
    #[diesel(sql_type = Nullable<Jsonb>)]
    progress_cursor: Option<Value>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    lease_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    requested_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    requested_by: Option<String>,
    #[diesel(sql_type = Bool)]
    paused: bool,
    #[diesel(sql_type = BigInt)]
    slots: i64,
}

/// One job.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn inspect(conn: &mut Conn, id: JobId) -> Result<Inspection> {
    let job: JobView = jobs::table.find(id).select(JobView::as_select()).first(conn).await?;
    let around: Surroundings = statement(
        "SELECT app_now() AS now, now() AS real_now, j.args, j.args_version, j.progress_cursor, j.lease_until,
                c.requested_at, c.requested_by, coalesce(q.paused_at IS NOT NULL, false) AS paused,
                (SELECT coalesce(sum(w.slots), 0) FROM job_workers w WHERE w.queue = j.queue
                    AND w.drain_requested_at IS NULL AND w.seen_at > now() - interval '30 seconds')::bigint AS slots
         FROM jobs j LEFT JOIN job_cancellations c ON c.job_id = j.id LEFT JOIN job_queues q ON q.queue = j.queue
         WHERE j.id = $1",
    )
    .bind::<BigInt, _>(id)
    .get_result(conn)
    .await?;
    let attempts = attempts(conn, &job).await?;
    let registry = registry();
    let entry = registry.get(&job.kind);
    let masked = entry.map_or(&[][..], |entry| entry.masked);
    let next = Next::of(&Facts {
        state: job.state,
        run_at: job.run_at,
        attempt: job.attempt,
        crashes: job.crashes,
        lease_until: around.lease_until,
        now: around.now,
        real_now: around.real_now,
        unwanted: around.requested_at.is_some(),
        known: entry.is_some(),
        paused: around.paused,
        slots: around.slots,
    });
    Ok(Inspection {
        args: mask(&around.args, masked),
        args_version: around.args_version,
        cursor: around.progress_cursor.map(|cursor| mask(&cursor, masked)),
        stop: around
            .requested_at
            .zip(around.requested_by)
            .map(|(requested_at, requested_by)| StopRequest { requested_at, requested_by }),
        attempts,
        next,
        job,
    })
}

/// The attempts that were written down, and the one that the row itself tells of: the running one, or a first one that
/// succeeded.
async fn attempts(conn: &mut Conn, job: &JobView) -> Result<Vec<Attempt>> {
    type Row = (i16, String, String, DateTime<Utc>, DateTime<Utc>, Option<String>);
    let rows: Vec<Row> = job_attempts::table
        .filter(job_attempts::job_id.eq(job.id))
        .order(job_attempts::attempt.desc())
        .limit(ATTEMPTS_MAX)
        .select((
            job_attempts::attempt,
            job_attempts::outcome,
            job_attempts::worker,
            job_attempts::started_at,
            job_attempts::ended_at,
            job_attempts::error,
        ))
        .load(conn)
        .await?;
    let mut attempts: Vec<Attempt> = rows.into_iter().rev().map(Attempt::from).collect();
    if attempts.last().is_none_or(|last| last.attempt < job.attempt) {
        attempts.extend(job.own_attempt());
    }
    Ok(attempts)
}

impl JobView {
    fn own_attempt(&self) -> Option<Attempt> {
        let (outcome, ended_at) = match self.state {
            JobState::Running => ("running", None),
            JobState::Done => ("ok", self.ended_at),
            JobState::Pending | JobState::Dispatched | JobState::Dead | JobState::Cancelled => {
                return None;
            }
        };
        let started_at = self.started_at?;
        Some(Attempt {
            attempt: self.attempt,
            outcome: outcome.to_owned(),
            worker: self.worker.clone().unwrap_or_default(),
            started_at,
            ended_at,
            duration_ms: ended_at.map(|ended| (ended - started_at).num_milliseconds()),
            error: None,
        })
    }
}

impl From<(i16, String, String, DateTime<Utc>, DateTime<Utc>, Option<String>)> for Attempt {
    fn from(
        (attempt, outcome, worker, started_at, ended_at, error): (
            i16,
            String,
            String,
            DateTime<Utc>,
            DateTime<Utc>,
            Option<String>,
        ),
    ) -> Self {
        let duration_ms = Some((ended_at - started_at).num_milliseconds());
        Self { attempt, outcome, worker, started_at, ended_at: Some(ended_at), duration_ms, error }
    }
}
