//! Counts a handed-over account as received when the buyer says nothing.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::escrow;
use crate::ids::EscrowId;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::{App, Tx};

/// Counts a handed-over account as received when the buyer says nothing.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReceiveSilentEscrow {
    /// The deal.
    pub escrow_id: EscrowId,
}

impl JobKind for ReceiveSilentEscrow {
    const KIND: &'static str = "receive_silent_escrow";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some(format!("escrow_receive:{}", self.escrow_id))
    }
}

impl Job for ReceiveSilentEscrow {
    async fn run(self, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        Ok(escrow::receive_silent(tx, &app.settings.windows, self.escrow_id)
            .await?
            .verdict(tx.now()))
    }
}
