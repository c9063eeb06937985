//! Pays the seller when the window for complaints has closed without one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Code, Result};
use crate::escrow;
use crate::ids::EscrowId;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::{App, Tx};

/// How often a job looks whether releases are on again.
const WHILE_SWITCHED_OFF: Duration = Duration::from_secs(30);

/// Pays the seller when the window for complaints has closed without one.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReleaseEscrowPayment {
    /// The deal.
    pub escrow_id: EscrowId,
}

impl JobKind for ReleaseEscrowPayment {
    const KIND: &'static str = "release_escrow_payment";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some(format!("escrow_release:{}", self.escrow_id))
    }
}

impl Job for ReleaseEscrowPayment {
    async fn run(self, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        match escrow::release(tx, self.escrow_id).await {
            Ok(timed) => Ok(timed.verdict(tx.now())),
            // Nothing was written, and it is not the deal's fault: the job waits for as long as it takes.
            Err(error) if error.code() == Code::SwitchedOff => {
                Ok(JobVerdict::Snooze(WHILE_SWITCHED_OFF))
            }
            Err(error) => Err(error),
        }
    }
}
