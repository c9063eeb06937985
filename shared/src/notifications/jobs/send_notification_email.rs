//! Mails a person what happened.

use serde::{Deserialize, Serialize};

use crate::accounts::User;
use crate::error::Result;
use crate::ids::UserId;
use crate::jobs::{JobKind, Queue};
use crate::mail::{Letter, MailJob};
use crate::notifications::Notice;
use crate::{App, Tx};

/// Mails a person what happened, unless it is no longer so.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SendNotificationEmail {
    /// Whom.
    pub user_id: UserId,
    /// What happened.
    pub notification_data: Notice,
}

impl JobKind for SendNotificationEmail {
    const KIND: &'static str = "send_notification_email";
    const QUEUE: Queue = Queue::Mail;

    fn unique_key(&self) -> Option<String> {
        Some(self.reference())
    }
}

impl MailJob for SendNotificationEmail {
    fn reference(&self) -> String {
        format!("notice:{}:{}", self.notification_data.key(), self.user_id)
    }

    async fn letter(&self, tx: &mut Tx, app: &App) -> Result<Option<Letter>> {
        match User::find_to_mail(tx, self.user_id).await? {
            Some(user) => self.notification_data.letter(tx, app, &user).await,
            None => Ok(None),
        }
    }
}
