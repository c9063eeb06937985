//! Welcomes a person who has proved their address.

use serde::{Deserialize, Serialize};

use crate::accounts::User;
use crate::error::Result;
use crate::ids::UserId;
use crate::jobs::{JobKind, Queue};
use crate::mail::templates::welcome;
use crate::mail::{Letter, MailJob, Reader};
use crate::{App, Tx};

/// Welcomes a person who has proved their address, once in their life here.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SendWelcomeEmail {
    /// Whom.
    pub user_id: UserId,
}

impl JobKind for SendWelcomeEmail {
    const KIND: &'static str = "send_welcome_email";
    const QUEUE: Queue = Queue::Mail;

    fn unique_key(&self) -> Option<String> {
        Some(self.reference())
    }
}

impl MailJob for SendWelcomeEmail {
    fn reference(&self) -> String {
        format!("welcome:{}", self.user_id)
    }

    async fn letter(&self, tx: &mut Tx, app: &App) -> Result<Option<Letter>> {
        let user = User::find_to_mail(tx, self.user_id).await?;
        let link = format!("{}/products", app.settings.http.frontend_url);
        Ok(user.map(|user| welcome::letter(&Reader::from(&user), &link)))
    }
}
