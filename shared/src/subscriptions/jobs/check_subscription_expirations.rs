//! `check_subscription_expirations`: ticked every hour.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::subscriptions::{self, Checked};
use crate::{App, Outcome, Tx};

/// A full batch is followed by another after this long.
const NEXT_BATCH_AFTER: Duration = Duration::from_secs(1);

/// Gives ended periods without a timer one, and has owners reminded before the end.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct CheckSubscriptionExpirations {}

impl JobKind for CheckSubscriptionExpirations {
    const KIND: &'static str = "check_subscription_expirations";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Job for CheckSubscriptionExpirations {
    async fn run(self, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        Ok(match subscriptions::check(tx, &app.settings.subscriptions).await? {
            Checked::All => Outcome::Done.into(),
            Checked::More => JobVerdict::Snooze(NEXT_BATCH_AFTER),
        })
    }
}
