//! Ends a period of a subscription: the next one is paid from the balance, or it is over.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ids::SubscriptionId;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::subscriptions::{self, stamp};
use crate::{App, Tx};

/// Ends a period of a subscription: the next one is paid from the balance, or it is over.
#[derive(Debug, Serialize, Deserialize)]
pub struct AutoRenewSubscription {
    /// The subscription.
    pub user_subscription_id: SubscriptionId,
    /// The end it is about: each has a job of its own.
    pub period_end: DateTime<Utc>,
}

impl JobKind for AutoRenewSubscription {
    const KIND: &'static str = "auto_renew_subscription";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        let (id, end) = (self.user_subscription_id, stamp(self.period_end));
        Some(format!("subscription_renew:{id}:{end}"))
    }
}

impl Job for AutoRenewSubscription {
    async fn run(self, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        let Self { user_subscription_id, period_end } = self;
        let timed = subscriptions::renew(tx, app, user_subscription_id, period_end).await?;
        Ok(timed.verdict(tx.now()))
    }
}
