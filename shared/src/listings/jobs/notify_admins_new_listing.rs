//! Tells everybody who may moderate that a listing waits.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ids::ListingId;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::listings;
use crate::{App, Tx};

/// Tells everybody who may moderate that a listing waits: one notice, and so one letter, each.
#[derive(Debug, Serialize, Deserialize)]
pub struct NotifyAdminsNewListing {
    /// The listing.
    pub listing_id: ListingId,
}

impl JobKind for NotifyAdminsNewListing {
    const KIND: &'static str = "notify_admins_new_listing";
    const QUEUE: Queue = Queue::Mail;

    fn unique_key(&self) -> Option<String> {
        Some(format!("listing_notify_admins:{}", self.listing_id))
    }
}

impl Job for NotifyAdminsNewListing {
    async fn run(self, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        Ok(listings::notify_staff(tx, self.listing_id).await?.into())
    }
}
