//! Erases what is personal in accounts that were closed long enough ago.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::accounts::{self, Closed};
use crate::error::Result;
use crate::jobs::{JobKind, Queue, Stretch, Walk, ago};
use crate::{App, Tx};

/// Erases what is personal in accounts that were closed `CLOSED_ACCOUNTS_KEEP` ago.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct EraseClosedAccounts {}

impl JobKind for EraseClosedAccounts {
    const KIND: &'static str = "erase_closed_accounts";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Walk for EraseClosedAccounts {
    type Key = Closed;

    async fn count(&self, tx: &mut Tx, app: &App, as_of: DateTime<Utc>) -> Result<i64> {
        accounts::count_to_erase(tx, ago(as_of, app.settings.upkeep.closed_keep)).await
    }

    async fn stretch(
        &self,
        tx: &mut Tx,
        app: &App,
        as_of: DateTime<Utc>,
        after: Option<Closed>,
    ) -> Result<Stretch<Closed>> {
        accounts::erase_closed(tx, app, ago(as_of, app.settings.upkeep.closed_keep), after).await
    }
}
