//! Approves a listing that no moderator decided about in time.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ids::ListingId;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::listings;
use crate::{App, Tx};

/// Approves a listing that no moderator decided about in time.
#[derive(Debug, Serialize, Deserialize)]
pub struct AutoApproveIfTimeout {
    /// The listing.
    pub listing_id: ListingId,
}

impl JobKind for AutoApproveIfTimeout {
    const KIND: &'static str = "auto_approve_if_timeout";
    const QUEUE: Queue = Queue::Default;

    fn unique_key(&self) -> Option<String> {
        Some(format!("listing_auto_approve:{}", self.listing_id))
    }
}

impl Job for AutoApproveIfTimeout {
    async fn run(self, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        let window = app.settings.windows.auto_approve_after;
        Ok(listings::auto_approve(tx, window, self.listing_id).await?.verdict(tx.now()))
    }
}
