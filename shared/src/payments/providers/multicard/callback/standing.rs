//! How a callback stands to its deposit: what can be answered at once, and what Multicard must confirm first. The same
//! question is asked without locks before Multicard is, and under them after it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::read::{Callback, Mode};
use super::refusal::Refusal;
use crate::error::Result;
use crate::payments::providers::Provider;
use crate::payments::providers::multicard::model::Status;
use crate::payments::{Transaction, TransactionStatus, TransactionType};
use crate::schema::payment_methods;
use crate::{Conn, Money};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Answer this.
    Settled(Result<(), Refusal>),
    /// Ask Multicard; the deposit may change.
    Ask,
    /// Money that the deposit cannot take: ask Multicard, and give it back.
    Surplus,
}

impl Standing {
    /// How the callback stands now.
    pub(super) async fn find(
        conn: &mut Conn,
        provider: Provider,
        callback: &Callback,
        store: i64,
    ) -> Result<Self> {
        let unknown = Ok(Self::Settled(Err(Refusal::UnknownInvoice)));
        let Some(id) = callback.deposit else { return unknown };
        let Some(deposit) = Transaction::find(conn, id).await? else { return unknown };
        if !is_by(conn, &deposit, provider).await? {
            return unknown;
        }
        Ok(Self::of(&deposit, callback, store))
    }

    /// How it stands to this deposit.
    pub(super) fn of(deposit: &Transaction, callback: &Callback, store: i64) -> Self {
        let other_store = callback.store.is_some_and(|told| told != store);
        if other_store || Money::from_tiyin(callback.amount) != deposit.amount {
            return Self::Settled(Err(Refusal::Mismatch));
        }
        let ours = deposit.provider_transaction_id.as_deref() == Some(&callback.uuid);
        match callback.mode {
            Mode::Success => Self::of_payment(deposit.status, ours, Err(Refusal::PaidByAnother)),
            Mode::Webhook(Status::Success) => Self::of_payment(deposit.status, ours, Ok(())),
            Mode::Webhook(Status::Revert) if ours => Self::Ask,
            // A payment that never counted was given back, or is on its way to something.
            Mode::Webhook(
                Status::Revert
                | Status::Draft
                | Status::Progress
                | Status::Billing
                | Status::Hold
                | Status::Error,
            ) => Self::Settled(Ok(())),
        }
    }

    /// `refused` is the answer to money that the deposit cannot take; when that is a yes, the money is given back.
    fn of_payment(status: TransactionStatus, ours: bool, refused: Result<(), Refusal>) -> Self {
        match status {
            TransactionStatus::Completed if ours => Self::Settled(Ok(())),
            TransactionStatus::Pending | TransactionStatus::Processing => Self::Ask,
            TransactionStatus::Completed
            | TransactionStatus::Failed
            | TransactionStatus::Cancelled => match refused {
                Ok(()) => Self::Surplus,
                Err(_) if status != TransactionStatus::Completed => {
                    Self::Settled(Err(Refusal::NotPayable))
                }
                Err(refusal) => Self::Settled(Err(refusal)),
            },
        }
    }
}

/// Whether it is a deposit by this method: a withdrawal, and another provider's, are not Multicard's to touch.
async fn is_by(conn: &mut Conn, deposit: &Transaction, provider: Provider) -> Result<bool> {
    let Some(method) = deposit.payment_method_id else { return Ok(false) };
    let code: String =
        payment_methods::table.find(method).select(payment_methods::code).first(conn).await?;
    Ok(deposit.kind == TransactionType::Deposit && Provider::parse(&code) == Some(provider))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::ids::UserId;

    fn deposit(status: TransactionStatus, paid_by: Option<&str>) -> Transaction {
        let now = DateTime::UNIX_EPOCH;
        Transaction {
            status,
            provider_transaction_id: paid_by.map(str::to_owned),
            ..Transaction::new(
                TransactionType::Deposit,
                UserId::new(),
                Money::from_soum(1_000),
                now,
            )
        }
    }

    fn callback(mode: Mode) -> Callback {
        Callback { mode, uuid: "p1".to_owned(), deposit: None, amount: 100_000, store: Some(6) }
    }

    #[test]
    fn a_second_payment_is_refused_or_given_back() {
        use TransactionStatus::{Cancelled, Completed, Pending, Processing};
        let success = callback(Mode::Success);
        let webhook = callback(Mode::Webhook(Status::Success));
        let settled = |answer| Standing::Settled(answer);
        for (status, paid_by, by_success, by_webhook) in [
            (Pending, None, Standing::Ask, Standing::Ask),
            (Processing, None, Standing::Ask, Standing::Ask),
            (Completed, Some("p1"), settled(Ok(())), settled(Ok(()))),
            (Completed, Some("p0"), settled(Err(Refusal::PaidByAnother)), Standing::Surplus),
            (Cancelled, None, settled(Err(Refusal::NotPayable)), Standing::Surplus),
        ] {
            let deposit = deposit(status, paid_by);
            assert_eq!(Standing::of(&deposit, &success, 6), by_success, "{status}");
            assert_eq!(Standing::of(&deposit, &webhook, 6), by_webhook, "{status}");
        }
    }

    #[test]
    fn only_the_payment_that_counted_can_be_taken_back() {
        let revert = callback(Mode::Webhook(Status::Revert));
        let paid = |by| deposit(TransactionStatus::Completed, Some(by));
        assert_eq!(Standing::of(&paid("p1"), &revert, 6), Standing::Ask);
        assert_eq!(Standing::of(&paid("p0"), &revert, 6), Standing::Settled(Ok(())));
    }

    #[test]
    fn another_amount_or_another_till_is_a_mismatch() {
        let waiting = deposit(TransactionStatus::Pending, None);
        let mismatch = Standing::Settled(Err(Refusal::Mismatch));
        let other = Callback { amount: 100_001, ..callback(Mode::Success) };
        assert_eq!(Standing::of(&waiting, &other, 6), mismatch);
        assert_eq!(Standing::of(&waiting, &callback(Mode::Success), 7), mismatch);
    }
}
