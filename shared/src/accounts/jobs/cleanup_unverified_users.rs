//! Closes accounts that nobody proved to be theirs in time.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::accounts::{self, Registered};
use crate::error::Result;
use crate::jobs::{JobKind, Queue, Stretch, Walk, ago};
use crate::{App, Tx};

/// Closes accounts that nobody proved to be theirs within `UNVERIFIED_USERS_KEEP`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct CleanupUnverifiedUsers {}

impl JobKind for CleanupUnverifiedUsers {
    const KIND: &'static str = "cleanup_unverified_users";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Walk for CleanupUnverifiedUsers {
    type Key = Registered;

    async fn count(&self, tx: &mut Tx, app: &App, as_of: DateTime<Utc>) -> Result<i64> {
        accounts::count_unproven(tx, ago(as_of, app.settings.upkeep.unverified_keep)).await
    }

    async fn stretch(
        &self,
        tx: &mut Tx,
        app: &App,
        as_of: DateTime<Utc>,
        after: Option<Registered>,
    ) -> Result<Stretch<Registered>> {
        accounts::close_unproven(tx, ago(as_of, app.settings.upkeep.unverified_keep), after).await
    }
}
