//! Mails a person the proof of their address.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};

use crate::accounts::email_token::{EmailToken, Proof, VERIFY_EMAIL};
use crate::error::Result;
use crate::ids::{EmailTokenId, UserId};
use crate::jobs::{ExternalJob, JobKind, JobVerdict, Queue, claim_effect};
use crate::mail::{Letter, templates};
use crate::schema::effects;
use crate::{App, Tx};

/// Mails a person the proof of their address. At least once, always under the same Message-ID.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SendEmailVerification {
    /// Whom.
    pub user_id: UserId,
    /// Which proof.
    pub email_token_id: EmailTokenId,
}

impl JobKind for SendEmailVerification {
    const KIND: &'static str = "send_email_verification";
    const QUEUE: Queue = Queue::Mail;

    fn unique_key(&self) -> Option<String> {
        Some(format!("verify_email:{}", self.email_token_id))
    }
}

impl ExternalJob for SendEmailVerification {
    type Plan = (Self, Letter);
    type Answer = ();

    async fn prepare(&self, tx: &mut Tx, app: &App) -> Result<Option<Self::Plan>> {
        let Some((token, user)) = EmailToken::find(tx, self.email_token_id).await? else {
            return Ok(None);
        };
        let sent: bool = diesel::select(exists(effects::table.find(self.effect_key())))
            .get_result(tx.conn())
            .await?;
        if sent
            || user.is_verified
            || !user.is_active
            || token.judge(&user, tx.now()) != Proof::Proves
        {
            return Ok(None);
        }
        let text = app.tokens.mailed(VERIFY_EMAIL, token.id);
        let link = format!(
            "{}/api/v1/auth/email/verify/?token={text}&lang={}",
            app.settings.http.public_url, user.language
        );
        let reference = format!("verify-email-{}", token.id);
        Ok(Some((*self, templates::verify_email(user.language, user.email, &link, reference))))
    }

    async fn call((_, letter): &Self::Plan, app: &App) -> Result<()> {
        app.mailer.send(letter).await
    }

    async fn record((job, _): Self::Plan, (): (), tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        let outcome = claim_effect(tx, &job.effect_key()).await?;
        tracing::info!(target: "accounts", user = %job.user_id, token = %job.email_token_id, "verification mail sent");
        Ok(outcome.into())
    }
}

impl SendEmailVerification {
    fn effect_key(&self) -> String {
        format!("mail:verify_email:{}", self.email_token_id)
    }
}
