//! Brings the counters of a sold deal's people up to date.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::escrow;
use crate::ids::EscrowId;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::{App, Tx};

/// Brings the counters of a sold deal's people up to date.
#[derive(Debug, Serialize, Deserialize)]
pub struct CountSettledDeal {
    /// The deal.
    pub escrow_id: EscrowId,
}

impl JobKind for CountSettledDeal {
    const KIND: &'static str = "count_settled_deal";
    const QUEUE: Queue = Queue::Default;

    fn unique_key(&self) -> Option<String> {
        Some(format!("escrow_count:{}", self.escrow_id))
    }
}

impl Job for CountSettledDeal {
    async fn run(self, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        Ok(escrow::count_settled(tx, self.escrow_id).await?.into())
    }
}
