//! Complete: the payer has paid, or could not. The money is on their balance when 0 is answered.

use serde_json::json;

use super::answer::{Accepted, Answer, Refusal};
use super::order;
use super::request::Call;
use super::row::{Payment, Step};
use super::{CODE, PROVIDER};
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::TransactionId;
use crate::jobs::enqueue;
use crate::payments::cases::{CaseKind, NewCase, open_case};
use crate::payments::credit::complete_deposit;
use crate::payments::jobs::ReverseClickPayment;
use crate::payments::{Transaction, TransactionStatus, TransactionType, mail_receipt};
use crate::{App, Tx, escrow};

pub(super) async fn run(tx: &mut Tx, app: &App, call: &Call, prepare_id: i64) -> Result<Answer> {
    let Some((known, _)) = order::find(tx, call.order).await? else {
        return Ok(Err(Refusal::NoOrder));
    };
    let prepared = Payment::find(tx, prepare_id).await?.is_some_and(|payment| {
        payment.transaction_id == known.id && payment.click_trans_id == call.click_trans_id
    });
    if !prepared {
        return Ok(Err(Refusal::NoPayment));
    }
    // The one order of locks: deal, deposit, Click's row.
    if let (Some(deal), true) = (known.escrow_id, call.error >= 0) {
        escrow::lock_for_payment(tx, deal).await?;
    }
    let mut locked = Locked {
        deposit: Transaction::lock(tx, known.id).await?,
        payment: Payment::lock(tx, prepare_id).await?,
    };
    let step = locked.payment.step(call.error, locked.deposit.status);
    match step {
        Step::Credit | Step::CreditLate if call.amount != locked.payment.amount => {
            Ok(Err(Refusal::Amount))
        }
        Step::Credit => locked.credit(tx, app).await,
        Step::CreditLate => {
            let credited = locked.credit_late(tx, app).await?;
            case(tx, CaseKind::PaidLate, &locked.deposit, call).await?;
            Ok(credited)
        }
        Step::Replay => Ok(Err(Refusal::AlreadyPaid)),
        Step::PaidTwice => {
            case(tx, CaseKind::PaidTwice, &locked.deposit, call).await?;
            if app.click.is_some() {
                enqueue(tx, &ReverseClickPayment { prepare_id }).await?;
            }
            Ok(Err(Refusal::AlreadyPaid))
        }
        Step::PaidAfterFailure => {
            case(tx, CaseKind::PaidAfterFailure, &locked.deposit, call).await?;
            Ok(Err(Refusal::Cancelled))
        }
        Step::GiveUp => locked.give_up(tx, call.error).await,
        Step::GivenUp => {
            if locked.payment.error.is_none() {
                locked.payment.cancel(Some(call.error), tx.now());
                locked.payment.save(tx).await?;
            }
            Ok(Err(Refusal::Cancelled))
        }
        Step::FailedAfterPayment => {
            case(tx, CaseKind::FailedAfterPayment, &locked.deposit, call).await?;
            Ok(Err(Refusal::Cancelled))
        }
    }
}

/// A deposit and one of its payments at Click, locked.
struct Locked {
    deposit: Transaction,
    payment: Payment,
}

impl Locked {
    /// Credits the payer, and pays the deal the deposit was made for.
    async fn credit(&mut self, tx: &mut Tx, app: &App) -> Result<Answer> {
        let Self { deposit, payment } = self;
        let theirs = payment.click_trans_id.to_string();
        let _outcome = complete_deposit(tx, app, deposit, (PROVIDER, &theirs)).await?;
        payment.confirm(deposit.id, tx.now());
        payment.save(tx).await?;
        Ok(Ok(Accepted::Confirmed(payment.prepare_id)))
    }

    /// The payer was debited for a deposit that is over. It stays over, because its payer has been told so and a deal it was
    /// for may be somebody else's by now; so the money comes by a deposit of its own that pays no deal. Each of the two is
    /// posted exactly when it is completed, and the case lets staff ask the payer.
    async fn credit_late(&mut self, tx: &mut Tx, app: &App) -> Result<Answer> {
        let Self { deposit, payment } = self;
        let mut late = Transaction {
            payment_method_id: deposit.payment_method_id,
            metadata: json!({ "paid_late_for": deposit.id }),
            ..Transaction::new(TransactionType::Deposit, deposit.user_id, payment.amount, tx.now())
        };
        late.begin(tx.now())?;
        late.insert(tx).await?;
        let theirs = payment.click_trans_id.to_string();
        let _outcome = complete_deposit(tx, app, &mut late, (PROVIDER, &theirs)).await?;
        payment.confirm(late.id, tx.now());
        payment.save(tx).await?;
        Ok(Ok(Accepted::Confirmed(payment.prepare_id)))
    }

    /// Click gives the payment up; with the last one that waits, the deposit is cancelled.
    async fn give_up(&mut self, tx: &mut Tx, error: i32) -> Result<Answer> {
        let Self { deposit, payment } = self;
        payment.cancel(Some(error), tx.now());
        payment.save(tx).await?;
        if release(tx, deposit, "cancelled by Click").await? {
            mail_receipt(tx, deposit).await?;
        }
        Ok(Err(Refusal::Cancelled))
    }
}

/// Cancels a locked deposit that nobody is about to pay any more; says whether it did.
pub(super) async fn release(tx: &mut Tx, deposit: &mut Transaction, why: &str) -> Result<bool> {
    if deposit.status != TransactionStatus::Processing || Payment::any_waits(tx, deposit.id).await?
    {
        return Ok(false);
    }
    let _outcome = deposit.cancel(why, tx.now())?;
    deposit.save(tx).await?;
    deposit.tell(tx, Actor::Provider(CODE), "deposit.cancel").await?;
    Ok(true)
}

/// Staff must look at this payment.
async fn case(tx: &mut Tx, kind: CaseKind, deposit: &Transaction, call: &Call) -> Result<()> {
    let _opened = open_case(tx, new_case(kind, Some(deposit.id), call)).await?;
    Ok(())
}

/// A case about a payment, by Click's number of it.
pub(super) fn new_case(kind: CaseKind, deposit: Option<TransactionId>, call: &Call) -> NewCase {
    NewCase {
        kind,
        provider: PROVIDER,
        transaction_id: deposit,
        fact: call.click_trans_id.to_string(),
        details: json!({
            "click_trans_id": call.click_trans_id,
            "click_paydoc_id": call.click_paydoc_id,
            "order": call.order,
            "amount": call.amount,
            "error": call.error,
            "sign_time": call.sign_time,
        }),
    }
}
