//! Finds due deals that have no job, and gives them one.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::escrow;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::{App, Outcome, Tx};

/// Finds due deals that have no job, and gives them one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ReconcileEscrows {}

impl JobKind for ReconcileEscrows {
    const KIND: &'static str = "reconcile_escrows";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some("reconcile_escrows".to_owned())
    }
}

impl Job for ReconcileEscrows {
    async fn run(self, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        escrow::reconcile(tx).await?;
        Ok(Outcome::Done.into())
    }
}
