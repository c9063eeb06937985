//! Reminds a person that their subscription's period ends.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::accounts::User;
use crate::error::Result;
use crate::ids::{SubscriptionId, UserId};
use crate::jobs::{JobKind, Queue};
use crate::mail::{Letter, MailJob};
use crate::notifications;
use crate::subscriptions::stamp;
use crate::{App, Tx};

/// Reminds a person that their subscription's period ends, once per end.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SendSubscriptionExpiringSoon {
    /// Whom.
    pub user_id: UserId,
    /// Of which subscription.
    pub user_subscription_id: SubscriptionId,
    /// Of which end.
    pub period_end: DateTime<Utc>,
}

impl JobKind for SendSubscriptionExpiringSoon {
    const KIND: &'static str = "send_subscription_expiring_soon";
    const QUEUE: Queue = Queue::Mail;

    fn unique_key(&self) -> Option<String> {
        Some(self.reference())
    }
}

impl MailJob for SendSubscriptionExpiringSoon {
    fn reference(&self) -> String {
        format!("subscription_expiring:{}:{}", self.user_subscription_id, stamp(self.period_end))
    }

    async fn letter(&self, tx: &mut Tx, app: &App) -> Result<Option<Letter>> {
        match User::find_to_mail(tx, self.user_id).await? {
            Some(user) => {
                let (id, end) = (self.user_subscription_id, self.period_end);
                notifications::expiring_letter(tx, app, &user, (id, end)).await
            }
            None => Ok(None),
        }
    }
}
