//! Finds listings past their time that have no job, and gives them one.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::listings;
use crate::{App, Outcome, Tx};

/// Finds listings past their time that have no job, and gives them one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ReconcileListings {}

impl JobKind for ReconcileListings {
    const KIND: &'static str = "reconcile_listings";
    const QUEUE: Queue = Queue::Default;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Job for ReconcileListings {
    async fn run(self, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        listings::reconcile(tx, app.settings.windows.auto_approve_after).await?;
        Ok(Outcome::Done.into())
    }
}
