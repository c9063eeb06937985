//! Finds deposits and withdrawals that wait for an answer and have no job, and gives them one.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{Job, JobKind, JobVerdict, Origin, Queue};
use crate::{App, Outcome, Tx, payments, withdrawals};

/// Finds deposits and withdrawals that wait for an answer and have no job, and gives them one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ReconcilePayments {}

impl JobKind for ReconcilePayments {
    const KIND: &'static str = "reconcile_payments";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Job for ReconcilePayments {
    async fn run(self, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        tx.caused_by(Origin::Reconciler);
        payments::reconcile(tx).await?;
        withdrawals::reconcile(tx).await?;
        Ok(Outcome::Done.into())
    }
}
