//! Recording a job in the transaction of its cause.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{JobKind, Queue};
use crate::Tx;
use crate::error::{Error, Result};
use crate::ids::JobId;
use crate::schema::jobs;
use crate::text_enum::text_enum;

text_enum! {
    /// Who caused a job, for `job_enqueued_total{via}`.
    Origin {
        /// A request.
        Api = "api",
        /// A tick of the schedule.
        Cron = "cron",
        /// A scan of the business tables that found due work without a job.
        Reconciler = "reconciler",
        /// Another job.
        Job = "job",
        /// An operator.
        Admin = "admin",
    }
}

/// A job that this transaction recorded.
#[derive(Clone, Copy, Debug)]
pub struct Enqueued {
    /// Its kind.
    pub kind: &'static str,
    /// Its queue.
    pub queue: Queue,
    /// When it is due.
    pub run_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = jobs, treat_none_as_default_value = false)]
struct NewJob<'a> {
    kind: &'a str,
    queue: &'a str,
    args: serde_json::Value,
    args_version: i16,
    run_at: DateTime<Utc>,
    max_attempts: i16,
    unique_key: Option<String>,
    trace_id: Option<&'a str>,
}

/// Records a job that is due now. Returns its id, or `None` when a live job has its business key.
///
/// # Errors
/// The database's.
pub async fn enqueue<J: JobKind>(tx: &mut Tx, job: &J) -> Result<Option<JobId>> {
    let now = tx.now();
    enqueue_at(tx, job, now).await
}

/// Records a job that is due at `run_at` (business time).
///
/// # Errors
/// The database's.
pub async fn enqueue_at<J: JobKind>(
    tx: &mut Tx,
    job: &J,
    run_at: DateTime<Utc>,
) -> Result<Option<JobId>> {
    let trace = tx.trace.clone();
    let row = NewJob {
        kind: J::KIND,
        queue: J::QUEUE.as_str(),
        args: serde_json::to_value(job).map_err(Error::internal)?,
        args_version: J::VERSION,
        run_at,
        max_attempts: J::LIMITS.max_attempts,
        unique_key: job.unique_key(),
        trace_id: trace.as_deref(),
    };
    let id = diesel::insert_into(jobs::table)
        .values(row)
        .on_conflict_do_nothing()
        .returning(jobs::id)
        .get_result(tx.conn())
        .await
        .optional()?;
    if id.is_some() {
        tx.enqueued.push(Enqueued { kind: J::KIND, queue: J::QUEUE, run_at });
    }
    Ok(id)
}
