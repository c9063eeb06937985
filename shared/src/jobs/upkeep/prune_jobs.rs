//! Removes jobs that ended long ago.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ids::JobId;
use crate::jobs::prune::{self, Retention};
use crate::jobs::{JobKind, Queue, Stretch, Walk};
use crate::{App, Tx};

/// Removes jobs that ended long ago, and old ticks.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PruneJobs {}

impl JobKind for PruneJobs {
    const KIND: &'static str = "prune_jobs";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Walk for PruneJobs {
    type Key = JobId;

    async fn count(&self, tx: &mut Tx, app: &App, as_of: DateTime<Utc>) -> Result<i64> {
        prune::count_old(tx, Retention::at(as_of, &app.settings.jobs)).await
    }

    async fn stretch(
        &self,
        tx: &mut Tx,
        app: &App,
        as_of: DateTime<Utc>,
        after: Option<JobId>,
    ) -> Result<Stretch<JobId>> {
        prune::prune(tx, Retention::at(as_of, &app.settings.jobs), after).await
    }
}
