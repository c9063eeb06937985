//! The timer's safety net: listings past their time without a job get one, so that even a lost job table costs only
//! latency.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::jobs::AutoApproveIfTimeout;
use crate::Tx;
use crate::error::{Error, Result};
use crate::ids::ListingId;
use crate::jobs::{Origin, Scanned, enqueue};
use crate::statement::statement;

/// The most listings one scan looks at; the rest waits for the next scan.
const SCAN_MAX: usize = 500;

/// How operators call the scan.
pub(crate) const SWEEP: &str = "listing_auto_approve";

/// Listings that waited for too long without a live job. A dead or cancelled job counts as present (`stuck`): somebody
/// must look at it, and another job would only die as well. Nothing is locked here: the job locks and decides again.
const DUE: &str =
    "SELECT l.id, EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'listing_auto_approve:' || l.id
                                AND j.state IN ('dead', 'cancelled')) AS stuck
     FROM listings l JOIN users u ON u.id = l.seller_id
     WHERE l.status = 'pending' AND l.deleted_at IS NULL AND u.is_active AND u.deleted_at IS NULL
     AND l.created_at <= app_now() - make_interval(secs => $1)
     AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'listing_auto_approve:' || l.id
                     AND j.state IN ('pending', 'dispatched', 'running'))
     ORDER BY stuck, l.created_at LIMIT 500";

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = SqlUuid)]
    id: ListingId,
    #[diesel(sql_type = Bool)]
    stuck: bool,
}

/// Gives every listing that nobody decided about within `window` its job.
///
/// # Errors
/// The database's.
pub async fn reconcile(tx: &mut Tx, window: Duration) -> Result<()> {
    tx.caused_by(Origin::Reconciler);
    let seconds = i64::try_from(window.as_secs()).map_err(Error::internal)?;
    let due: Vec<Due> = statement(DUE).bind::<BigInt, _>(seconds).load(tx.conn()).await?;
    let mut scanned = Scanned::new(SWEEP, SCAN_MAX);
    for listing in &due {
        scanned.saw(listing.id, listing.stuck);
        if !listing.stuck {
            enqueue(tx, &AutoApproveIfTimeout { listing_id: listing.id }).await?;
        }
    }
    scanned.report();
    Ok(())
}
