//! Refunds a buyer who wished to cancel and was kept waiting.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::escrow;
use crate::ids::EscrowId;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::{App, Tx};

/// Refunds a buyer who wished to cancel and was kept waiting.
#[derive(Debug, Serialize, Deserialize)]
pub struct HonourCancelWish {
    /// The deal.
    pub escrow_id: EscrowId,
}

impl JobKind for HonourCancelWish {
    const KIND: &'static str = "honour_cancel_wish";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some(format!("escrow_wish:{}", self.escrow_id))
    }
}

impl Job for HonourCancelWish {
    async fn run(self, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        Ok(escrow::honour_cancel_wish(tx, self.escrow_id).await?.verdict(tx.now()))
    }
}
