//! The safety net of uploads: what nobody attached goes, and what is to go has a job.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::discard::remove_files;
use crate::Tx;
use crate::error::Result;
use crate::ids::UploadId;
use crate::jobs::Scanned;
use crate::statement::statement;

/// The sweep's name.
pub(crate) const SWEEP: &str = "upload_removal";
/// Uploads that one run looks at; the rest waits for the next one.
const BATCH: i64 = 500;
/// The same, for the report.
const SCAN_MAX: usize = 500;
/// An upload that nobody attached for so long is not wanted, in hours.
const UNATTACHED_KEEP_HOURS: i64 = 24;

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Uploads that were discarded now.
    pub discarded: usize,
    /// Whether it may have left some.
    pub full: bool,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    id: UploadId,
    #[diesel(sql_type = Bool)]
    stuck: bool,
}

/// Discards uploads that nobody attached for a day, and gives every discarded one without a job its job. One that is being
/// attached at this moment is left alone.
///
/// # Errors
/// The database's.
pub async fn sweep(tx: &mut Tx) -> Result<Swept> {
    let before = tx.now() - chrono::TimeDelta::hours(UNATTACHED_KEEP_HOURS);
    let gone: Vec<Found> = statement(
        "UPDATE uploads SET discarded_at = app_now()
         WHERE id IN (SELECT id FROM uploads WHERE attached_at IS NULL AND discarded_at IS NULL AND created_at <= $1
                      ORDER BY created_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)
         RETURNING id, false AS stuck",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(BATCH)
    .load(tx.conn())
    .await?;
    let discarded = gone.len();
    remove_files(tx, gone.into_iter().map(|found| found.id).collect()).await?;
    give_jobs(tx).await?;
    if discarded > 0 {
        tracing::info!(target: "uploads", discarded, "uploads that nobody attached are discarded");
    }
    Ok(Swept { discarded, full: i64::try_from(discarded).is_ok_and(|rows| rows >= BATCH) })
}

/// A dead or cancelled job counts as present: somebody must look at it.
async fn give_jobs(tx: &mut Tx) -> Result<()> {
    let left: Vec<Found> = statement(
        "SELECT u.id, EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'remove_upload:' || u.id
                              AND j.state IN ('dead', 'cancelled')) AS stuck
         FROM uploads u
         WHERE u.discarded_at IS NOT NULL AND u.removed_at IS NULL
           AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'remove_upload:' || u.id
                           AND j.state IN ('pending', 'dispatched', 'running'))
         ORDER BY stuck, u.discarded_at LIMIT $1",
    )
    .bind::<BigInt, _>(BATCH)
    .load(tx.conn())
    .await?;
    let mut scanned = Scanned::new(SWEEP, SCAN_MAX);
    let mut missing = Vec::new();
    for Found { id, stuck } in left {
        scanned.saw(id, stuck);
        if !stuck {
            missing.push(id);
        }
    }
    remove_files(tx, missing).await?;
    scanned.report();
    Ok(())
}
