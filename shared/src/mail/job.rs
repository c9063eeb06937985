//! What every job that mails a letter has in common.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Delivery, Letter};
use crate::accounts::is_placeholder;
use crate::error::Result;
use crate::jobs::{ExternalJob, JobKind, JobVerdict, claim_effect};
use crate::schema::effects;
use crate::{App, Tx};

/// A job that mails one letter, once.
///
/// That the letter was sent is recorded for ever under its reference, so a second job of the same letter has nothing to
/// do. A crash between the server's yes and our record sends the same mail again, under the same Message-ID.
pub trait MailJob: JobKind {
    /// The letter's permanent name, such as `welcome:<user>`.
    fn reference(&self) -> String;

    /// Writes the letter from the rows as they are now; none when there is nobody to write to or nothing left to say.
    fn letter(&self, tx: &mut Tx, app: &App)
    -> impl Future<Output = Result<Option<Letter>>> + Send;
}

/// A letter on its way, and the reference it goes under.
pub struct Addressed {
    reference: String,
    letter: Letter,
}

impl<J: MailJob> ExternalJob for J {
    type Plan = Addressed;
    type Answer = Delivery;

    async fn prepare(&self, tx: &mut Tx, app: &App) -> Result<Option<Addressed>> {
        let reference = self.reference();
        if was_sent(tx, &reference).await? {
            return Ok(None);
        }
        let letter = self.letter(tx, app).await?;
        // Whoever wrote it forgot that some people have no address.
        let letter = letter.filter(|letter| !is_placeholder(&letter.to));
        Ok(letter.map(|letter| Addressed { reference, letter }))
    }

    async fn call(plan: &Addressed, app: &App) -> Result<Delivery> {
        app.mailer.send(&plan.letter, &plan.reference).await
    }

    async fn record(
        plan: Addressed,
        delivery: Delivery,
        tx: &mut Tx,
        _app: &App,
    ) -> Result<JobVerdict> {
        match delivery {
            Delivery::Accepted => {
                let outcome = claim_effect(tx, &effect_key(&plan.reference)).await?;
                tracing::info!(target: "mail", kind = J::KIND, reference = plan.reference, "mail sent");
                Ok(outcome.into())
            }
            Delivery::Refused(reason) => Ok(JobVerdict::Dead(reason)),
        }
    }
}

async fn was_sent(tx: &mut Tx, reference: &str) -> Result<bool> {
    let sent = exists(effects::table.find(effect_key(reference)));
    Ok(diesel::select(sent).get_result(tx.conn()).await?)
}

fn effect_key(reference: &str) -> String {
    format!("mail:{reference}")
}
