//! Tells a person what happened to the keys of their account.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::accounts::email_change::EmailChange;
use crate::accounts::{User, is_placeholder};
use crate::error::Result;
use crate::ids::{EmailChangeId, UserId};
use crate::jobs::{JobKind, Queue};
use crate::mail::templates::account_notice;
use crate::mail::{Letter, MailJob};
use crate::text_enum::text_enum;
use crate::{App, Tx};

text_enum! {
    /// What happened.
    News {
        /// Another address was wished for; the present one is told.
        EmailChangeAsked = "email_change_asked",
        /// It was proved and is theirs; the one before is told.
        EmailChanged = "email_changed",
        /// Their number changed or went.
        PhoneChanged = "phone_changed",
        /// Google signs them in from now on.
        GoogleLinked = "google_linked",
        /// Google does not sign them in any more.
        GoogleUnlinked = "google_unlinked",
        /// Their account was closed.
        AccountClosed = "account_closed",
    }
}

/// Tells a person what happened to the keys of their account, at the address they had then.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SendAccountNotice {
    /// Whom.
    pub user_id: UserId,
    /// What.
    pub news: News,
    /// When.
    pub at: DateTime<Utc>,
    /// With which wish for another address.
    #[serde(default)]
    pub email_change_id: Option<EmailChangeId>,
}

impl JobKind for SendAccountNotice {
    const KIND: &'static str = "send_account_notice";
    const QUEUE: Queue = Queue::Mail;

    fn unique_key(&self) -> Option<String> {
        Some(self.reference())
    }
}

impl MailJob for SendAccountNotice {
    fn reference(&self) -> String {
        format!("account:{}:{}:{}", self.news, self.user_id, self.at.timestamp_micros())
    }

    async fn letter(&self, tx: &mut Tx, app: &App) -> Result<Option<Letter>> {
        let Some(user) = User::find(tx, self.user_id).await? else { return Ok(None) };
        let to = match (self.news, self.email_change_id) {
            (News::EmailChangeAsked | News::EmailChanged, Some(id)) => {
                EmailChange::find(tx, id).await?.map(|(change, _user)| change.old_email)
            }
            (
                News::PhoneChanged
                | News::GoogleLinked
                | News::GoogleUnlinked
                | News::AccountClosed,
                _,
            ) => user.may_be_mailed().then_some(user.email),
            (News::EmailChangeAsked | News::EmailChanged, None) => None,
        };
        // Erased addresses have no reader either.
        let to = to.filter(|to| !is_placeholder(to) && !to.ends_with(".invalid"));
        let page = if self.news == News::AccountClosed { "/" } else { "/forgot-password" };
        let link = format!("{}{page}", app.settings.http.frontend_url);
        Ok(to.map(|to| account_notice::letter(&to, user.language, self.news, &link)))
    }
}
