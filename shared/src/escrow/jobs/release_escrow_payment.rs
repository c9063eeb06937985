//! Pays the seller when the window for complaints has closed without one.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::escrow;
use crate::ids::EscrowId;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::{App, Tx};

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
        Ok(escrow::release(tx, self.escrow_id).await?.verdict(tx.now()))
    }
}
