//! What `process_deposit` asks Multicard about a deposit, and what it makes of the answer.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::calls::InvoiceState;
use super::client::Multicard;
use super::failure::Failure;
use super::model::{Entry, Status};
use super::revert::take_back;
use super::row::Checkout;
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::ids::TransactionId;
use crate::jobs::JobVerdict;
use crate::payments::credit::complete_deposit;
use crate::payments::providers::Provider;
use crate::payments::{BEGIN_WITHIN, Transaction, TransactionStatus, TransactionType};
use crate::schema::payment_methods;
use crate::{App, Conn, Outcome, Tx, escrow};

/// Minutes until the next question while there is no answer that decides.
const UNANSWERED: [u64; 4] = [1, 5, 15, 60];
/// Hours after which a page that nobody has paid is looked at again; then once more when its day is over.
const UNPAID: [i64; 2] = [2, 8];

/// What is asked.
pub struct Question {
    deposit: TransactionId,
    provider: Provider,
    invoice: String,
    payment: Option<String>,
    amount: i64,
    unanswered: i32,
    /// Its money is on the balance.
    credited: bool,
    /// Nobody has come to pay in time.
    over: bool,
}

/// What Multicard says.
#[derive(Debug, PartialEq, Eq)]
pub enum Word {
    /// There is a payment of this deposit.
    Payment(Entry),
    /// Nobody has paid.
    Unpaid,
    /// Nobody can pay any more.
    Closed,
    /// No answer, or one that makes no sense.
    Silence(String),
}

impl Question {
    /// What is to be asked about a deposit; none when nothing is open. After its credit, its payment is looked at once
    /// more.
    pub(in crate::payments) async fn about(
        tx: &mut Tx,
        id: TransactionId,
        after_credit: bool,
    ) -> Result<Option<Self>> {
        let Some(deposit) = Transaction::find(tx, id).await? else { return Ok(None) };
        let Some(provider) = provider_of(tx, &deposit).await? else { return Ok(None) };
        let open = match deposit.status {
            TransactionStatus::Pending | TransactionStatus::Processing => true,
            TransactionStatus::Completed => after_credit,
            TransactionStatus::Failed | TransactionStatus::Cancelled => false,
        };
        let page = Checkout::find(tx, id).await?;
        let (true, Some(page)) = (open, page) else { return Ok(None) };
        let amount = deposit.amount.to_tiyin();
        Ok(Some(Self {
            deposit: id,
            provider,
            invoice: page.uuid,
            payment: deposit.provider_transaction_id.clone().or(page.payment_uuid),
            amount: amount.ok_or_else(|| Error::internal("the amount is no integer of tiyin"))?,
            unanswered: page.unanswered,
            credited: deposit.status == TransactionStatus::Completed,
            over: deposit.is_abandoned(tx.now()),
        }))
    }

    /// Asks.
    pub(in crate::payments) async fn ask(&self, multicard: &Multicard) -> Word {
        self.answer(multicard).await.unwrap_or_else(|failure| Word::Silence(failure.to_string()))
    }

    async fn answer(&self, multicard: &Multicard) -> Result<Word, Failure> {
        // The first payment of an invoice has the invoice's id.
        let heard_of = self.payment.iter().filter(|payment| **payment != self.invoice);
        for uuid in heard_of.chain([&self.invoice]) {
            if let Some(entry) = multicard.payment(uuid).await?
                && self.is_ours(&entry, multicard)
                && (self.credited || !is_open(entry.status))
            {
                return Ok(Word::Payment(entry));
            }
        }
        match multicard.invoice(&self.invoice).await? {
            InvoiceState::Payment(entry) if !self.is_ours(&entry, multicard) => {
                Ok(Word::Silence("the invoice tells of a payment of something else".to_owned()))
            }
            InvoiceState::Payment(entry) if is_open(entry.status) => self.unpaid(multicard).await,
            InvoiceState::Payment(entry) => Ok(Word::Payment(entry)),
            InvoiceState::Unpaid => self.unpaid(multicard).await,
            InvoiceState::Gone => Ok(Word::Closed),
        }
    }

    /// Nobody has paid; when the time is over, nobody shall.
    async fn unpaid(&self, multicard: &Multicard) -> Result<Word, Failure> {
        if !self.over {
            return Ok(Word::Unpaid);
        }
        multicard.delete_invoice(&self.invoice).await.map(|()| Word::Closed)
    }

    fn is_ours(&self, entry: &Entry, multicard: &Multicard) -> bool {
        entry.is_about(&self.deposit.to_string(), self.amount, multicard.store())
    }

    /// Makes of the answer what is right for the deposit as it is now.
    pub(in crate::payments) async fn record(
        self,
        word: Word,
        tx: &mut Tx,
        app: &App,
    ) -> Result<JobVerdict> {
        let deal = Transaction::find(tx, self.deposit).await?.and_then(|row| row.escrow_id);
        if let Some(deal) = deal {
            escrow::lock_for_payment(tx, deal).await?;
        }
        let deposit = Transaction::lock(tx, self.deposit).await?;
        match deposit.status {
            TransactionStatus::Pending | TransactionStatus::Processing => {
                self.decide(word, deposit, tx, app).await
            }
            TransactionStatus::Completed => self.look_again(word, &deposit, tx).await,
            TransactionStatus::Failed | TransactionStatus::Cancelled => {
                Ok(Outcome::AlreadyDone.into())
            }
        }
    }

    async fn decide(
        self,
        word: Word,
        mut deposit: Transaction,
        tx: &mut Tx,
        app: &App,
    ) -> Result<JobVerdict> {
        match word {
            Word::Payment(entry) => match entry.status {
                Status::Success => {
                    if deposit.status == TransactionStatus::Pending {
                        deposit.begin(tx.now())?;
                    }
                    let from = (self.provider, entry.uuid.as_str());
                    Ok(complete_deposit(tx, app, &mut deposit, from).await?.into())
                }
                Status::Revert => self.cancel(&mut deposit, "the payment was given back", tx).await,
                Status::Draft | Status::Progress | Status::Billing | Status::Hold => {
                    self.wait(tx, "the payment goes on").await
                }
                Status::Error => self.still_unpaid(deposit, tx).await,
            },
            Word::Unpaid => self.still_unpaid(deposit, tx).await,
            Word::Closed => self.cancel(&mut deposit, "nobody came to pay", tx).await,
            Word::Silence(why) => self.wait(tx, &why).await,
        }
    }

    /// The money is on the balance; it stays there unless Multicard gave it back.
    async fn look_again(
        self,
        word: Word,
        deposit: &Transaction,
        tx: &mut Tx,
    ) -> Result<JobVerdict> {
        let counted =
            |entry: &Entry| deposit.provider_transaction_id.as_deref() == Some(&entry.uuid);
        match word {
            Word::Payment(entry) if counted(&entry) => match entry.status {
                Status::Success => Ok(Outcome::Done.into()),
                Status::Revert | Status::Error => {
                    take_back(tx, deposit, self.provider).await?;
                    Ok(Outcome::Done.into())
                }
                Status::Draft | Status::Progress | Status::Billing | Status::Hold => {
                    self.wait(tx, "the payment goes on").await
                }
            },
            Word::Payment(_) | Word::Unpaid | Word::Closed => {
                self.wait(tx, "the payment that counted is not known").await
            }
            Word::Silence(why) => self.wait(tx, &why).await,
        }
    }

    /// A payment was told of that is none: the deposit waits for its payer again.
    async fn still_unpaid(self, mut deposit: Transaction, tx: &mut Tx) -> Result<JobVerdict> {
        Checkout::count(tx, self.deposit, 0, false).await?;
        if deposit.wait_again(tx.now()) {
            deposit.save(tx).await?;
        }
        Ok(JobVerdict::Snooze(until_next(deposit.created_at, tx.now())))
    }

    async fn cancel(
        &self,
        deposit: &mut Transaction,
        why: &str,
        tx: &mut Tx,
    ) -> Result<JobVerdict> {
        Checkout::count(tx, self.deposit, 0, true).await?;
        let outcome = deposit.cancel(why, tx.now())?;
        deposit.save(tx).await?;
        deposit.tell(tx, Actor::Provider(self.provider.as_str()), "deposit.cancel").await?;
        Ok(outcome.into())
    }

    /// Asks again later, and later again.
    async fn wait(&self, tx: &mut Tx, why: &str) -> Result<JobVerdict> {
        let unanswered = self.unanswered.saturating_add(1);
        Checkout::count(tx, self.deposit, unanswered, false).await?;
        tracing::warn!(target: "payments", transaction = %self.deposit, unanswered, why, "a deposit is still open at Multicard");
        Ok(JobVerdict::Snooze(pause(self.unanswered)))
    }
}

/// Whether a payment that came to nothing leaves the invoice open for another.
fn is_open(status: Status) -> bool {
    matches!(status, Status::Draft | Status::Error)
}

/// The pause after so many questions without an answer.
fn pause(unanswered: i32) -> Duration {
    let step = usize::try_from(unanswered).unwrap_or(usize::MAX);
    let minutes = UNANSWERED.get(step).or(UNANSWERED.last()).copied().unwrap_or(60);
    Duration::from_secs(60 * minutes)
}

/// When a page that nobody has paid is looked at again; never sooner than in a minute.
fn until_next(made: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    let age = now - made;
    let next = UNPAID
        .into_iter()
        .map(TimeDelta::hours)
        .find(|step| *step > age + TimeDelta::minutes(1))
        .unwrap_or(BEGIN_WITHIN + TimeDelta::minutes(1));
    (next - age).to_std().unwrap_or_default().max(Duration::from_secs(60))
}

/// Which of Multicard's methods a deposit is by.
async fn provider_of(conn: &mut Conn, row: &Transaction) -> Result<Option<Provider>> {
    let (TransactionType::Deposit, Some(method)) = (row.kind, row.payment_method_id) else {
        return Ok(None);
    };
    let code: String =
        payment_methods::table.find(method).select(payment_methods::code).first(conn).await?;
    Ok(Provider::parse(&code).filter(|provider| super::PROVIDERS.contains(provider)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_become_rarer() {
        let minutes: Vec<u64> = [0, 1, 2, 3, 4, 100].map(|n| pause(n).as_secs() / 60).into();
        assert_eq!(minutes, [1, 5, 15, 60, 60, 60]);
    }

    #[test]
    fn a_page_that_nobody_pays_is_looked_at_a_few_times_and_at_the_end_of_its_day() {
        let made = DateTime::<Utc>::UNIX_EPOCH;
        let next =
            |minutes: i64| until_next(made, made + TimeDelta::minutes(minutes)).as_secs() / 60;
        assert_eq!((next(20), next(120), next(480)), (100, 360, 961));
        assert_eq!(next(24 * 60 + 30), 1, "its day is over");
    }
}
