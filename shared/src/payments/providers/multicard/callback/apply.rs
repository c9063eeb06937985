//! What a confirmed callback changes, under the locks: deal, deposit, in this order.

use super::read::{Callback, Mode};
use super::refusal::Refusal;
use super::standing::Standing;
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::jobs::{after, enqueue, enqueue_at};
use crate::payments::credit::complete_deposit;
use crate::payments::jobs::{ProcessDeposit, ReturnCardPayment};
use crate::payments::providers::Provider;
use crate::payments::providers::multicard::model::Status;
use crate::payments::providers::multicard::revert::take_back;
use crate::payments::providers::multicard::row::Checkout;
use crate::payments::{Transaction, TransactionStatus};
use crate::{App, Tx, escrow};

/// A payment that a success callback told of is looked at again after this long: our yes may have been lost.
const LOOK_AGAIN_AFTER: std::time::Duration = std::time::Duration::from_secs(120);

/// What Multicard said when it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirmed {
    /// The payment is this one, and it is here now.
    Payment(Status),
    /// There is no such payment for this deposit.
    AnotherPayment,
    /// No answer.
    Nothing,
}

/// Decides again, and does it.
pub(super) async fn apply(
    tx: &mut Tx,
    app: &App,
    provider: Provider,
    callback: &Callback,
    confirmed: &Confirmed,
) -> Result<Result<(), Refusal>> {
    let id = callback.deposit.ok_or_else(|| Error::internal("a callback about no deposit"))?;
    let deal = Transaction::find(tx, id).await?.and_then(|deposit| deposit.escrow_id);
    if let Some(deal) = deal {
        escrow::lock_for_payment(tx, deal).await?;
    }
    let mut deposit = Transaction::lock(tx, id).await?;
    match Standing::of(&deposit, callback, app.multicard.store()) {
        Standing::Settled(answer) => Ok(answer),
        Standing::Surplus => match confirmed {
            Confirmed::Payment(_) | Confirmed::Nothing => give_back(tx, &deposit, callback).await,
            Confirmed::AnotherPayment => Ok(Err(Refusal::Mismatch)),
        },
        Standing::Ask => match (callback.mode, confirmed) {
            (_, Confirmed::AnotherPayment) => Ok(Err(Refusal::Mismatch)),
            (_, Confirmed::Nothing) => unconfirmed(tx, &mut deposit, callback).await,
            (Mode::Webhook(Status::Revert), Confirmed::Payment(Status::Revert)) => {
                take_back(tx, &deposit, provider).await?;
                Ok(Ok(()))
            }
            // The status is not signed: what Multicard says when asked is what counts, and that may come later.
            (Mode::Webhook(Status::Revert), Confirmed::Payment(_)) => Ok(Err(Refusal::NotPayable)),
            (mode, Confirmed::Payment(status)) if counts(mode, *status) => {
                credit(tx, app, &mut deposit, (provider, callback)).await
            }
            (_, Confirmed::Payment(_)) => Ok(Err(Refusal::NotPayable)),
        },
    }
}

/// Whether the payment is one: during a success callback it is still being billed, because our yes is waited for.
fn counts(mode: Mode, status: Status) -> bool {
    match status {
        Status::Success => true,
        Status::Billing => mode == Mode::Success,
        Status::Draft | Status::Progress | Status::Hold | Status::Error | Status::Revert => false,
    }
}

async fn credit(
    tx: &mut Tx,
    app: &App,
    deposit: &mut Transaction,
    from: (Provider, &Callback),
) -> Result<Result<(), Refusal>> {
    let (provider, callback) = from;
    if deposit.status == TransactionStatus::Pending {
        deposit.begin(tx.now())?;
    }
    let _done = complete_deposit(tx, app, deposit, (provider, &callback.uuid)).await?;
    if callback.mode == Mode::Success {
        let job = ProcessDeposit { transaction_id: deposit.id, after_credit: true };
        let at = after(tx.now(), LOOK_AGAIN_AFTER);
        enqueue_at(tx, &job, at).await?;
    }
    Ok(Ok(()))
}

/// Somebody paid, says a right signature, and nobody can confirm it now. The answer is no, so the payment is given
/// back or told again; whatever comes of it, a job finds out.
async fn unconfirmed(
    tx: &mut Tx,
    deposit: &mut Transaction,
    callback: &Callback,
) -> Result<Result<(), Refusal>> {
    if !Checkout::heard_of(tx, deposit.id, &callback.uuid).await? {
        return Ok(Err(Refusal::Unavailable));
    }
    if deposit.status == TransactionStatus::Pending {
        deposit.begin(tx.now())?;
        deposit.save(tx).await?;
        deposit.tell(tx, Actor::System, "deposit.process").await?;
    }
    let after_credit = deposit.status == TransactionStatus::Completed;
    enqueue(tx, &ProcessDeposit { transaction_id: deposit.id, after_credit }).await?;
    Ok(Err(Refusal::Unavailable))
}

/// The payer has paid for what was paid, or is over: they get their money back.
async fn give_back(
    tx: &mut Tx,
    deposit: &Transaction,
    callback: &Callback,
) -> Result<Result<(), Refusal>> {
    tracing::warn!(target: "payments", transaction = %deposit.id, status = %deposit.status, multicard = callback.uuid, "a payment that nothing waits for: it will be given back");
    let job = ReturnCardPayment { transaction_id: deposit.id, payment: callback.uuid.clone() };
    enqueue(tx, &job).await?;
    Ok(Ok(()))
}
