//! Forgets what signing in left behind.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::accounts;
use crate::error::Result;
use crate::jobs::{JobKind, Queue, Stretch, Walk};
use crate::{App, Tx};

/// Forgets wrong passwords after a day, requests for links after a week, devices after half a year without a sign-in;
/// sessions, proofs and wishes for another address a month after they ended.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PruneSignInRecords {}

impl JobKind for PruneSignInRecords {
    const KIND: &'static str = "prune_sign_in_records";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Walk for PruneSignInRecords {
    type Key = DateTime<Utc>;

    async fn count(&self, tx: &mut Tx, _app: &App, as_of: DateTime<Utc>) -> Result<i64> {
        accounts::count_forgotten(tx, as_of).await
    }

    async fn stretch(
        &self,
        tx: &mut Tx,
        _app: &App,
        as_of: DateTime<Utc>,
        _after: Option<DateTime<Utc>>,
    ) -> Result<Stretch<DateTime<Utc>>> {
        accounts::forget_sign_ins(tx, as_of).await
    }
}
