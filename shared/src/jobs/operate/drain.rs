//! A worker that shall leave.

use diesel::dsl::{exists, select};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::Operator;
use crate::db::real_now;
use crate::error::{Code, Result};
use crate::schema::job_workers;
use crate::{Outcome, Tx};

/// Asks a worker to drain: at its next sweep it takes nothing new, finishes what it runs or hands it back, and exits
/// with 0. What supervises it may start another, under another name.
///
/// # Errors
/// `NOT_FOUND` when no worker of this name has announced itself within the hour.
pub async fn drain(tx: &mut Tx, by: &Operator, worker: &str) -> Result<Outcome> {
    let asked = job_workers::table
        .filter(job_workers::worker.eq(worker))
        .filter(job_workers::drain_requested_at.is_null());
    let rows = diesel::update(asked)
        .set(job_workers::drain_requested_at.eq(real_now().nullable()))
        .execute(tx.conn())
        .await?;
    if rows == 0 {
        let known = exists(job_workers::table.filter(job_workers::worker.eq(worker)));
        let known: bool = select(known).get_result(tx.conn()).await?;
        return if known { Ok(Outcome::AlreadyDone) } else { Err(Code::NotFound.into()) };
    }
    by.record(tx, "jobs.drain", ("worker", worker.to_owned()), json!({})).await?;
    Ok(Outcome::Done)
}
