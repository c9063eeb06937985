//! Keeps the partitions of the attempts' history ahead of the jobs.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{Job, JobKind, JobVerdict, Queue, partitions};
use crate::{App, Outcome, Tx};

/// Keeps the partitions of the attempts' history ahead of the jobs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct MaintainPartitions {}

impl JobKind for MaintainPartitions {
    const KIND: &'static str = "maintain_partitions";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Job for MaintainPartitions {
    async fn run(self, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        partitions::maintain_partitions(tx).await?;
        Ok(Outcome::Done.into())
    }
}
