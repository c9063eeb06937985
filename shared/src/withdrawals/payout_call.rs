//! A payout's call, in no transaction: look our reference up, and send only what Multicard certainly does not know.

use std::time::Duration;

use super::payout::{Answer, Payout, Plan};
use crate::payments::providers::multicard::{Entry, Failure, Multicard, Status};

/// A run that has not come to its sending by then leaves it to the next: within its limit of 15 s there must be room for
/// the answer.
const SEND_WITHIN: Duration = Duration::from_secs(9);

impl Plan {
    /// Makes the call. What is not an answer is one of the answers.
    pub(crate) async fn call(&self, multicard: &Multicard) -> Answer {
        match self {
            Self::Later(wait) => Answer::NotAsked(*wait),
            Self::Ask(payout) => payout.call(multicard).await,
        }
    }
}

impl Payout {
    async fn call(&self, multicard: &Multicard) -> Answer {
        match self.look_up(multicard).await {
            Ok(Some(known)) => known,
            Ok(None) if self.may_send => self.send(multicard).await,
            Ok(None) => Answer::Unknown("Multicard does not know it yet".to_owned()),
            Err(failure) => Answer::NotSent(failure.to_string()),
        }
    }

    /// What Multicard knows of our reference; none when it certainly knows nothing.
    async fn look_up(&self, multicard: &Multicard) -> Result<Option<Answer>, Failure> {
        if let Some(uuid) = &self.uuid
            && let Some(entry) = multicard.payout(uuid).await?
        {
            return Ok(Some(self.read(multicard, &[entry])));
        }
        let reference = self.id.to_string();
        let entries = multicard.payouts_by_reference(&reference, self.since, self.until).await?;
        Ok((!entries.is_empty()).then(|| self.read(multicard, &entries)))
    }

    /// What entries under our reference mean together. Whatever does not fit decides nothing: a human looks.
    fn read(&self, multicard: &Multicard, entries: &[Entry]) -> Answer {
        let reference = self.id.to_string();
        let fits = |entry: &Entry| entry.is_about(&reference, self.amount, multicard.store());
        if !entries.iter().all(fits) {
            return Answer::Unknown("Multicard has another payout under this reference".to_owned());
        }
        let dead = |entry: &&Entry| matches!(entry.status, Status::Error | Status::Revert);
        let living: Vec<&Entry> = entries.iter().filter(|entry| !dead(entry)).collect();
        match living.as_slice() {
            [] => Answer::Refused("the payout came to nothing".to_owned()),
            [entry] => match entry.status {
                Status::Success => Answer::Paid(entry.uuid.clone()),
                Status::Draft | Status::Progress | Status::Billing | Status::Hold => {
                    Answer::Begun(entry.uuid.clone())
                }
                Status::Error | Status::Revert => {
                    Answer::Refused("the payout came to nothing".to_owned())
                }
            },
            [_, _, ..] => {
                Answer::Unknown("Multicard has two payouts under this reference".to_owned())
            }
        }
    }

    async fn send(&self, multicard: &Multicard) -> Answer {
        if self.ready.elapsed() > SEND_WITHIN {
            return Answer::NotSent("the run was too slow to send it".to_owned());
        }
        let reference = self.id.to_string();
        match multicard.credit(&self.card, self.amount, &reference).await {
            Ok(entry) => match self.read(multicard, &[entry]) {
                Answer::Refused(why) => self.confirm_refusal(multicard, why).await,
                answer @ (Answer::NotAsked(_)
                | Answer::Paid(_)
                | Answer::Begun(_)
                | Answer::NotSent(_)
                | Answer::Unknown(_)) => answer,
            },
            Err(Failure::Refused(code)) => self.confirm_refusal(multicard, code).await,
            Err(failure @ Failure::NotSent(_)) => Answer::NotSent(failure.to_string()),
            Err(failure @ (Failure::NotReady | Failure::Unknown(_))) => {
                Answer::Unknown(failure.to_string())
            }
        }
    }

    /// A refusal gives the money back, so it is believed only when the history does not show a payout after all.
    async fn confirm_refusal(&self, multicard: &Multicard, why: String) -> Answer {
        match self.look_up(multicard).await {
            Ok(None | Some(Answer::Refused(_))) => Answer::Refused(why),
            Ok(Some(other)) => other,
            Err(failure) => Answer::Unknown(format!("refused ({why}), but {failure}")),
        }
    }
}
