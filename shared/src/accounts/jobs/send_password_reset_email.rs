//! Mails a person the link to choose a new password.

use serde::{Deserialize, Serialize};

use crate::accounts::User;
use crate::accounts::password_reset::{RESET_PASSWORD, ResetRow};
use crate::accounts::typed_address::is_opened_by_mail;
use crate::error::Result;
use crate::ids::EmailTokenId;
use crate::jobs::{JobKind, Queue};
use crate::mail::templates::password_reset;
use crate::mail::{Letter, MailJob};
use crate::{App, Tx};

/// Mails the link of a request to choose a new password. A request for an address that nobody has is nobody's, and who only
/// typed the address and proved something else is no owner of it: the job is there so that all cost the same.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SendPasswordResetEmail {
    /// Which request.
    pub password_reset_id: EmailTokenId,
}

impl JobKind for SendPasswordResetEmail {
    const KIND: &'static str = "send_password_reset_email";
    const QUEUE: Queue = Queue::Mail;

    fn unique_key(&self) -> Option<String> {
        Some(self.reference())
    }
}

impl MailJob for SendPasswordResetEmail {
    fn reference(&self) -> String {
        format!("password_reset:{}", self.password_reset_id)
    }

    async fn letter(&self, tx: &mut Tx, app: &App) -> Result<Option<Letter>> {
        let Some(row) = ResetRow::find(tx, self.password_reset_id).await? else { return Ok(None) };
        let Some(user_id) = row.user_id else { return Ok(None) };
        let user = User::find(tx, user_id).await?.filter(|user| row.opens(user, tx.now()));
        let Some(user) = user else { return Ok(None) };
        if !is_opened_by_mail(tx, &user).await? {
            return Ok(None);
        }
        let token = app.tokens.mailed(RESET_PASSWORD, row.id);
        let frontend = &app.settings.http.frontend_url;
        let link = format!("{frontend}/reset-password?uid={user_id}&token={token}");
        Ok(Some(password_reset::letter(&user.email, user.language, &link)))
    }
}
