//! Mails the proof of a new address to that address.

use serde::{Deserialize, Serialize};

use crate::accounts::email_change::EmailChange;
use crate::error::Result;
use crate::ids::EmailChangeId;
use crate::jobs::{JobKind, Queue};
use crate::mail::templates::change_email;
use crate::mail::{Letter, MailJob};
use crate::{App, Tx};

/// Mails the proof of a new address to that address.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SendEmailChangeProof {
    /// Which wish.
    pub email_change_id: EmailChangeId,
}

impl JobKind for SendEmailChangeProof {
    const KIND: &'static str = "send_email_change_proof";
    const QUEUE: Queue = Queue::Mail;

    fn unique_key(&self) -> Option<String> {
        Some(self.reference())
    }
}

impl MailJob for SendEmailChangeProof {
    fn reference(&self) -> String {
        format!("change_email:{}", self.email_change_id)
    }

    async fn letter(&self, tx: &mut Tx, app: &App) -> Result<Option<Letter>> {
        let found = EmailChange::find(tx, self.email_change_id).await?;
        let now = tx.now();
        let Some((change, user)) = found.filter(|(change, user)| change.is_open(user, now)) else {
            return Ok(None);
        };
        let link = format!(
            "{}/api/v1/auth/email/verify/?token={}&lang={}",
            app.settings.http.public_url,
            change.token(app),
            user.language
        );
        Ok(Some(change_email::letter(&change.new_email, user.language, &link)))
    }
}
