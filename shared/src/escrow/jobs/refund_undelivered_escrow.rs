//! Gives the buyer the money back when nothing was handed over in time.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::escrow;
use crate::ids::EscrowId;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::{App, Tx};

/// Gives the buyer the money back when nothing was handed over in time.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefundUndeliveredEscrow {
    /// The deal.
    pub escrow_id: EscrowId,
}

impl JobKind for RefundUndeliveredEscrow {
    const KIND: &'static str = "refund_undelivered_escrow";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some(format!("escrow_refund:{}", self.escrow_id))
    }
}

impl Job for RefundUndeliveredEscrow {
    async fn run(self, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        Ok(escrow::refund_undelivered(tx, self.escrow_id).await?.verdict(tx.now()))
    }
}
