//! `expire_deposits`: ticked every few minutes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::payments::{self, Swept};
use crate::{App, Outcome, Tx};

/// A full batch is followed by another after this long.
const NEXT_BATCH_AFTER: Duration = Duration::from_secs(1);

/// Cancels deposits that nobody will pay any more.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ExpireDeposits {}

impl JobKind for ExpireDeposits {
    const KIND: &'static str = "expire_deposits";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Job for ExpireDeposits {
    async fn run(self, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        Ok(match payments::expire_deposits(tx).await? {
            Swept::All => Outcome::Done.into(),
            Swept::More => JobVerdict::Snooze(NEXT_BATCH_AFTER),
        })
    }
}
