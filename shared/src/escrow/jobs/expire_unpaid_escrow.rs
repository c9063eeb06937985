//! Cancels a deal whose money did not come in time.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::escrow;
use crate::ids::EscrowId;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::{App, Tx};

/// Cancels a deal whose money did not come in time.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExpireUnpaidEscrow {
    /// The deal.
    pub escrow_id: EscrowId,
}

impl JobKind for ExpireUnpaidEscrow {
    const KIND: &'static str = "expire_unpaid_escrow";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some(format!("escrow_expire:{}", self.escrow_id))
    }
}

impl Job for ExpireUnpaidEscrow {
    async fn run(self, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        Ok(escrow::expire_unpaid(tx, self.escrow_id).await?.verdict(tx.now()))
    }
}
