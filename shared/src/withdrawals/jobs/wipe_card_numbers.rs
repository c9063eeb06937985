//! Wipes card numbers that nobody needs any more.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::withdrawals::{self, Wiped};
use crate::{App, Outcome, Tx};

/// A full batch is followed by another after this long.
const NEXT_BATCH_AFTER: Duration = Duration::from_secs(1);

/// Wipes the card numbers of withdrawals that ended a month ago.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct WipeCardNumbers {}

impl JobKind for WipeCardNumbers {
    const KIND: &'static str = "wipe_card_numbers";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Job for WipeCardNumbers {
    async fn run(self, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        let keep = app.settings.withdrawals.cards_keep;
        Ok(match withdrawals::wipe_card_numbers(tx, keep).await? {
            Wiped::All => Outcome::Done.into(),
            Wiped::More => JobVerdict::Snooze(NEXT_BATCH_AFTER),
        })
    }
}
