//! Mails a person the proof of their address.

use serde::{Deserialize, Serialize};

use crate::accounts::email_token::{EmailToken, Proof, VERIFY_EMAIL};
use crate::error::Result;
use crate::ids::{EmailTokenId, UserId};
use crate::jobs::{JobKind, Queue};
use crate::mail::templates::verify_email;
use crate::mail::{Letter, MailJob};
use crate::{App, Tx};

/// Mails a person the proof of their address. A proof for an address that nobody has, or that has nothing left to prove, is
/// nobody's: the job is there so that both cost the same.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SendEmailVerification {
    /// Whom; nobody.
    pub user_id: Option<UserId>,
    /// Which proof.
    pub email_token_id: EmailTokenId,
}

impl JobKind for SendEmailVerification {
    const KIND: &'static str = "send_email_verification";
    const QUEUE: Queue = Queue::Mail;

    fn unique_key(&self) -> Option<String> {
        Some(self.reference())
    }
}

impl MailJob for SendEmailVerification {
    fn reference(&self) -> String {
        format!("verify_email:{}", self.email_token_id)
    }

    async fn letter(&self, tx: &mut Tx, app: &App) -> Result<Option<Letter>> {
        let Some((token, user)) = EmailToken::find(tx, self.email_token_id).await? else {
            return Ok(None);
        };
        let proves = token.judge(&user, tx.now()) == Proof::Proves;
        if !user.lacks_proof_of_email() || !proves {
            return Ok(None);
        }
        let link = format!(
            "{}/api/v1/auth/email/verify/?token={}&lang={}",
            app.settings.http.public_url,
            app.tokens.mailed(VERIFY_EMAIL, token.id),
            user.language
        );
        Ok(Some(verify_email::letter(&user.email, user.language, &link)))
    }
}
