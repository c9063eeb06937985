//! Mails a person what happened to their account.

use serde::{Deserialize, Serialize};

use crate::accounts::{SecurityNews, User};
use crate::error::Result;
use crate::ids::UserId;
use crate::jobs::{JobKind, Queue};
use crate::mail::{Letter, MailJob};
use crate::{App, Tx};

/// Mails a person what happened to their account, once.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SendSecurityEmail {
    /// Whom.
    pub user_id: UserId,
    /// What happened.
    pub news: SecurityNews,
}

impl JobKind for SendSecurityEmail {
    const KIND: &'static str = "send_security_email";
    const QUEUE: Queue = Queue::Mail;

    fn unique_key(&self) -> Option<String> {
        Some(self.reference())
    }
}

impl MailJob for SendSecurityEmail {
    fn reference(&self) -> String {
        format!("security:{}:{}", self.news.key(), self.user_id)
    }

    async fn letter(&self, tx: &mut Tx, app: &App) -> Result<Option<Letter>> {
        match User::find_to_mail(tx, self.user_id).await? {
            Some(user) => self.news.letter(tx, app, &user).await,
            None => Ok(None),
        }
    }
}
