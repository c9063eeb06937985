//! A payout before and after its call: what is asked of Multicard, and what its answer means for the money.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use zeroize::Zeroizing;

use super::model::{Locked, Withdrawal};
use super::request::{CARD_FIELD, row_name};
use super::settle::{pay_out, release};
use crate::accounts::User;
use crate::audit::Actor;
use crate::error::{Code, Error, Result};
use crate::ids::TransactionId;
use crate::jobs::{JobVerdict, after};
use crate::payments::TransactionStatus;
use crate::payments::cases::{CaseKind, NewCase, open_case};
use crate::settings::WithdrawalSettings;
use crate::switches::{self, Switch};
use crate::{App, Outcome, Tx};

/// How soon a payout asks again whether withdrawals are switched on.
const WHILE_OFF: Duration = Duration::from_secs(30);
/// How soon a payout looks again whether its owner is let in.
const WHILE_BANNED: Duration = Duration::from_secs(60 * 60);
/// Minutes until the next question while there is no answer that decides.
const UNANSWERED: [u64; 4] = [1, 5, 15, 60];
/// Multicard's days are looked at with this much room on both sides: its clock is not ours.
const ROOM: TimeDelta = TimeDelta::days(1);

/// What a run of the payout's job does.
pub enum Plan {
    /// Its time has not come.
    Later(Duration),
    /// Ask Multicard, and pay if it certainly has not been paid.
    Ask(Box<Payout>),
}

/// One payout, ready to be asked about and sent.
pub struct Payout {
    /// The withdrawal: our reference at Multicard, for ever the same.
    pub(super) id: TransactionId,
    pub(super) card: Zeroizing<String>,
    /// Tiyin.
    pub(super) amount: i64,
    /// Multicard's id, once it has told it.
    pub(super) uuid: Option<String>,
    /// It may have been sent by an earlier run, at this time.
    pub(super) sent_before: Option<DateTime<Utc>>,
    /// Whether what Multicard does not know may be sent now.
    pub(super) may_send: bool,
    /// Where in Multicard's history it would be.
    pub(super) since: DateTime<Utc>,
    pub(super) until: DateTime<Utc>,
    /// A run that was frozen since then does not send any more: another may be doing so.
    pub(super) ready: Instant,
}

/// What Multicard's answers come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing was asked.
    NotAsked(Duration),
    /// Paid, under this id of Multicard's.
    Paid(String),
    /// Certainly not paid, and it will not be.
    Refused(String),
    /// Multicard has it, under this id, and has not decided.
    Begun(String),
    /// This run has certainly not sent it.
    NotSent(String),
    /// Nobody knows.
    Unknown(String),
}

impl Plan {
    /// Prepares a run under the locks: from its commit on, the payout counts as perhaps sent. None when there is nothing
    /// left to do.
    pub(crate) async fn prepare(tx: &mut Tx, app: &App, id: TransactionId) -> Result<Option<Self>> {
        let Some(mut locked) = Locked::find(tx, id).await? else { return Ok(None) };
        match locked.transaction.status {
            TransactionStatus::Pending => {
                // Its last approval records a job of its own.
                if locked.withdrawal.approvals_missing() > 0 {
                    return Ok(None);
                }
                let wait = locked.withdrawal.not_before - tx.now();
                if let Ok(wait) = wait.to_std()
                    && !wait.is_zero()
                {
                    return Ok(Some(Self::Later(wait)));
                }
                // What is out never comes back: staff reject it, or let its owner in again.
                if !User::is_open(tx, locked.transaction.user_id).await? {
                    return Ok(Some(Self::Later(WHILE_BANNED)));
                }
                match switches::ensure_on(tx, Switch::Withdrawals).await {
                    Err(error) if error.code() == Code::SwitchedOff => {
                        return Ok(Some(Self::Later(WHILE_OFF)));
                    }
                    asked => asked?,
                }
                locked.transaction.begin(tx.now())?;
            }
            TransactionStatus::Processing => {}
            TransactionStatus::Completed
            | TransactionStatus::Failed
            | TransactionStatus::Cancelled => return Ok(None),
        }
        let payout = Payout::of(&locked, app, (tx.now(), tx.real_now()))?;
        if payout.may_send {
            locked.withdrawal.sent_at = Some(tx.now());
        }
        locked.save(tx).await?;
        Ok(Some(Self::Ask(Box::new(payout))))
    }
}

impl Plan {
    /// Records what the call came to.
    pub(crate) async fn record(self, answer: Answer, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        match (self, answer) {
            (Self::Ask(payout), answer) => payout.record(answer, tx, app).await,
            (Self::Later(wait), _) => Ok(JobVerdict::Snooze(wait)),
        }
    }
}

impl Payout {
    fn of(locked: &Locked, app: &App, now: (DateTime<Utc>, DateTime<Utc>)) -> Result<Self> {
        let (now, real_now) = now;
        let Locked { transaction, withdrawal } = locked;
        let age = now - withdrawal.created_at;
        Ok(Self {
            id: transaction.id,
            card: open_card(app, withdrawal)?,
            amount: transaction
                .amount
                .to_tiyin()
                .ok_or_else(|| Error::internal("the amount is no integer of tiyin"))?,
            uuid: withdrawal.provider_uuid.clone(),
            sent_before: withdrawal.sent_at,
            may_send: withdrawal.may_send(&app.settings.withdrawals, now),
            since: real_now - age - ROOM,
            until: real_now + ROOM,
            ready: Instant::now(),
        })
    }

    /// Settles the withdrawal if the answer decides, and asks again later if it does not.
    async fn record(self, answer: Answer, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        let mut locked = Locked::get(tx, self.id).await?;
        if locked.transaction.status != TransactionStatus::Processing {
            return Ok(Outcome::AlreadyDone.into());
        }
        tracing::info!(target: "payments", transaction = %self.id, answer = answer.word(), "payout answered");
        match answer {
            Answer::Paid(uuid) => {
                let provider = locked.withdrawal.card_type.payer();
                let provider = provider.ok_or_else(|| Error::internal("a card nobody pays to"))?;
                locked.withdrawal.heard(&uuid, "paid");
                let _done = locked.transaction.complete(&uuid, tx.now())?;
                pay_out(tx, &mut locked, provider.as_str()).await?;
                let details = json!({ "multicard": uuid });
                let by = Actor::Provider(provider.as_str());
                locked.tell(tx, by, "withdrawal.paid", details).await?;
                Ok(Outcome::Done.into())
            }
            Answer::Refused(code) => {
                locked.withdrawal.last_answer = Some(code.clone());
                locked.withdrawal.outcome_unknown_at = None;
                let _done = locked.transaction.fail(&code, tx.now())?;
                release(tx, &mut locked, Actor::System).await?;
                let details = json!({ "code": code });
                locked.tell(tx, Actor::System, "withdrawal.refused", details).await?;
                Ok(Outcome::Done.into())
            }
            Answer::Begun(uuid) => {
                locked.withdrawal.heard(&uuid, "begun");
                self.ask_again(locked, tx, app).await
            }
            Answer::NotSent(why) => {
                // Whether an earlier run has sent it is as open as before.
                locked.withdrawal.sent_at = self.sent_before;
                if self.sent_before.is_some() {
                    locked.withdrawal.is_unknown_since(tx.now());
                }
                locked.withdrawal.last_answer = Some(why);
                self.ask_again(locked, tx, app).await
            }
            Answer::Unknown(why) => {
                locked.withdrawal.is_unknown_since(tx.now());
                locked.withdrawal.last_answer = Some(why);
                self.ask_again(locked, tx, app).await
            }
            Answer::NotAsked(wait) => Ok(JobVerdict::Snooze(wait)),
        }
    }

    /// Stores what was heard, and asks after 1, 5, 15 and then every 60 minutes.
    async fn ask_again(&self, mut locked: Locked, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        let so_far = locked.withdrawal.unanswered;
        locked.withdrawal.unanswered = so_far.saturating_add(1);
        locked.save(tx).await?;
        let Locked { transaction, withdrawal } = &locked;
        let Withdrawal { outcome_unknown_at, sent_at, last_answer, .. } = withdrawal;
        if *outcome_unknown_at == Some(tx.now()) {
            let details = json!({ "last_answer": last_answer });
            locked.tell(tx, Actor::System, "withdrawal.unknown", details).await?;
        }
        let since = outcome_unknown_at.or(*sent_at).unwrap_or(transaction.updated_at);
        let overdue = after(since, app.settings.withdrawals.unknown_max) <= tx.now();
        if overdue {
            tracing::error!(target: "payments", transaction = %self.id, amount = %locked.transaction.amount, last_answer, "a payout has no definite answer: a human must ask Multicard");
            call_a_human(tx, &locked).await?;
        } else {
            tracing::warn!(target: "payments", transaction = %self.id, unanswered = so_far + 1, last_answer, "a payout has no definite answer yet");
        }
        Ok(JobVerdict::Snooze(pause(so_far)))
    }
}

impl Withdrawal {
    /// What was never sent may be; what may have been sent only when every late answer has arrived. Multicard's history
    /// must have said in any case that it does not know it.
    fn may_send(&self, settings: &WithdrawalSettings, now: DateTime<Utc>) -> bool {
        self.provider_uuid.is_none()
            && self.sent_at.is_none_or(|sent| after(sent, settings.resend_after) <= now)
    }

    /// Nobody knows whether it was paid, since now or since earlier.
    fn is_unknown_since(&mut self, now: DateTime<Utc>) {
        self.outcome_unknown_at.get_or_insert(now);
    }

    fn heard(&mut self, uuid: &str, answer: &str) {
        self.provider_uuid = Some(uuid.to_owned());
        self.last_answer = Some(answer.to_owned());
        self.outcome_unknown_at = None;
    }
}

impl Answer {
    /// For the log.
    fn word(&self) -> &'static str {
        match self {
            Self::NotAsked(_) => "not asked",
            Self::Paid(_) => "paid",
            Self::Refused(_) => "refused",
            Self::Begun(_) => "begun",
            Self::NotSent(_) => "not sent",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// The pause after so many questions without an answer.
fn pause(unanswered: i32) -> Duration {
    let step = usize::try_from(unanswered).unwrap_or(usize::MAX);
    let minutes = UNANSWERED.get(step).or(UNANSWERED.last()).copied().unwrap_or(60);
    Duration::from_secs(60 * minutes)
}

/// A case for staff and a line of the audit log, once: after so long somebody has to ask Multicard. It goes on being
/// asked about by itself.
async fn call_a_human(tx: &mut Tx, locked: &Locked) -> Result<()> {
    let Locked { transaction, withdrawal } = locked;
    let provider = withdrawal.card_type.payer();
    let provider = provider.ok_or_else(|| Error::internal("a card nobody pays to"))?;
    let details = json!({
        "amount": transaction.amount,
        "card": withdrawal.card_masked,
        "sent_at": withdrawal.sent_at,
        "last_answer": withdrawal.last_answer,
    });
    let case = NewCase {
        kind: CaseKind::PayoutUnanswered,
        provider,
        transaction_id: Some(transaction.id),
        fact: transaction.id.to_string(),
        details: details.clone(),
    };
    if open_case(tx, case).await? == Outcome::AlreadyDone {
        return Ok(());
    }
    locked.tell(tx, Actor::System, "withdrawal.unanswered", details).await
}

fn open_card(app: &App, withdrawal: &Withdrawal) -> Result<Zeroizing<String>> {
    let (Some(data_key), Some(number)) = (&withdrawal.data_key, &withdrawal.card_number) else {
        return Err(Error::internal("an open withdrawal without its card"));
    };
    let row = row_name(withdrawal.transaction_id);
    let fields = [(CARD_FIELD, number.as_slice())];
    let opened = app.cards.open(&row, &withdrawal.key_id, data_key, &fields)?;
    opened.into_iter().next().ok_or_else(|| Error::internal("a card that opens to nothing"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::model::tests::{hours, sample};
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn what_may_have_been_sent_is_sent_again_only_when_late_answers_have_arrived() {
        let settings = Settings::from_vars(HashMap::new()).expect("the defaults").withdrawals;
        let mut row = sample(TransactionStatus::Processing, 0).withdrawal;
        assert!(row.may_send(&settings, hours(0)), "never sent");
        row.sent_at = Some(hours(1));
        assert!(!row.may_send(&settings, hours(1)));
        assert!(!row.may_send(&settings, hours(1) + TimeDelta::seconds(899)));
        assert!(row.may_send(&settings, hours(1) + TimeDelta::seconds(900)));
        row.provider_uuid = Some("a".to_owned());
        assert!(!row.may_send(&settings, hours(99)), "Multicard has it");
    }

    #[test]
    fn questions_become_rarer() {
        let minutes = [0, 1, 2, 3, 4, 100, -1].map(|n| pause(n).as_secs() / 60);
        assert_eq!(minutes, [1, 5, 15, 60, 60, 60, 60]);
    }
}
