//! Forgets idempotency keys after 30 days.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::idempotency;
use crate::jobs::{JobKind, Queue, Stretch, Walk};
use crate::{App, Tx};

/// Forgets idempotency keys after 30 days.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PruneIdempotencyKeys {}

impl JobKind for PruneIdempotencyKeys {
    const KIND: &'static str = "prune_idempotency_keys";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Walk for PruneIdempotencyKeys {
    type Key = DateTime<Utc>;

    async fn count(&self, tx: &mut Tx, _app: &App, as_of: DateTime<Utc>) -> Result<i64> {
        idempotency::count_forgotten(tx, as_of).await
    }

    async fn stretch(
        &self,
        tx: &mut Tx,
        _app: &App,
        as_of: DateTime<Utc>,
        _after: Option<DateTime<Utc>>,
    ) -> Result<Stretch<DateTime<Utc>>> {
        idempotency::forget(tx, as_of).await
    }
}
