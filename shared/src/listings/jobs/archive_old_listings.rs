//! Takes listings off the market that nobody bought for too long.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{JobKind, Queue, Stretch, Walk, ago};
use crate::listings::{self, Age};
use crate::{App, Tx};

/// Takes listings off the market that nobody bought for `LISTING_ARCHIVE_AFTER`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ArchiveOldListings {}

impl JobKind for ArchiveOldListings {
    const KIND: &'static str = "archive_old_listings";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Walk for ArchiveOldListings {
    type Key = Age;

    async fn count(&self, tx: &mut Tx, app: &App, as_of: DateTime<Utc>) -> Result<i64> {
        listings::count_old(tx, ago(as_of, app.settings.upkeep.archive_after)).await
    }

    async fn stretch(
        &self,
        tx: &mut Tx,
        app: &App,
        as_of: DateTime<Utc>,
        after: Option<Age>,
    ) -> Result<Stretch<Age>> {
        listings::archive_old(tx, ago(as_of, app.settings.upkeep.archive_after), after).await
    }
}
