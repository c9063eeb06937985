//! Long work in bounded batches: how far it is, and where the next batch begins.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::Claimed;
use crate::Tx;
use crate::error::Result;
use crate::schema::jobs;

/// How far long work is. It commits with the rows it speaks of, so a stop, a kill or another worker goes on from here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows that are done.
    pub done: i64,
    /// Rows that were due when they were counted; none before the first batch.
    pub total: Option<i64>,
    /// Where the next batch begins; whatever the kind writes there.
    pub cursor: Option<Value>,
}

/// What one batch came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Batch {
    /// There is more to do.
    More(Progress),
    /// That was all.
    Last(Progress),
}

/// Writes the progress in the transaction of the batch. A job that gets on is not a suspect, and has its attempts before
/// it again.
///
/// # Errors
/// The database's.
pub async fn save_progress(
    tx: &mut Tx,
    job: &Claimed,
    progress: &Progress,
    max_attempts: i16,
) -> Result<()> {
    diesel::update(jobs::table.find(job.id))
        .set((
            jobs::progress_done.eq(progress.done),
            jobs::progress_total.eq(progress.total),
            jobs::progress_cursor.eq(&progress.cursor),
            jobs::crashes.eq(0),
            jobs::max_attempts.eq(max_attempts),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}
