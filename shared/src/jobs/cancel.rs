//! Runs that an operator wants stopped, as the workers see them.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::error::Result;
use crate::ids::JobId;
use crate::schema::job_cancellations;
use crate::{Conn, Tx};

/// Which of these jobs are to be stopped.
///
/// # Errors
/// The database's.
pub async fn cancel_requests(conn: &mut Conn, jobs: &[JobId]) -> Result<Vec<JobId>> {
    let asked = job_cancellations::table
        .select(job_cancellations::job_id)
        .filter(job_cancellations::job_id.eq_any(jobs))
        .load(conn)
        .await?;
    Ok(asked)
}

/// Whether this job is to be stopped: long work asks between its batches.
///
/// # Errors
/// The database's.
pub async fn is_cancel_requested(tx: &mut Tx, job: JobId) -> Result<bool> {
    Ok(!cancel_requests(tx.conn(), &[job]).await?.is_empty())
}
