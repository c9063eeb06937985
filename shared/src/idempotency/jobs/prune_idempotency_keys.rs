//! Forgets idempotency keys after 30 days, and one-time codes after one.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::accounts::codes;
use crate::error::Result;
use crate::idempotency;
use crate::jobs::{JobKind, Queue, Stretch, Walk};
use crate::{App, Tx};

/// Forgets idempotency keys after 30 days, and one-time codes after one: both are of requests that are long over.
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
        let keys = idempotency::count_forgotten(tx, as_of).await?;
        Ok(keys.saturating_add(codes::count_old(tx, as_of).await?))
    }

    async fn stretch(
        &self,
        tx: &mut Tx,
        _app: &App,
        as_of: DateTime<Utc>,
        _after: Option<DateTime<Utc>>,
    ) -> Result<Stretch<DateTime<Utc>>> {
        let keys = idempotency::forget(tx, as_of).await?;
        let codes = codes::forget_old(tx, as_of).await?;
        // What is gone is not found again, so the next stretch begins at the beginning.
        Ok(Stretch { done: keys.done.saturating_add(codes.done), last: keys.last.or(codes.last) })
    }
}
