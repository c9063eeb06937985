//! Brings the search index up to the listings.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{JobKind, Queue, Stretch, Walk};
use crate::listings::{self, Mark};
use crate::{App, Tx};

/// Brings the search index up to the listings that changed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct UpdateSearchIndex {}

impl JobKind for UpdateSearchIndex {
    const KIND: &'static str = "update_search_index";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Walk for UpdateSearchIndex {
    type Key = Mark;

    async fn count(&self, tx: &mut Tx, _app: &App, as_of: DateTime<Utc>) -> Result<i64> {
        listings::count_stale(tx, as_of).await
    }

    async fn stretch(
        &self,
        tx: &mut Tx,
        _app: &App,
        as_of: DateTime<Utc>,
        after: Option<Mark>,
    ) -> Result<Stretch<Mark>> {
        listings::index_stale(tx, as_of, after).await
    }
}
