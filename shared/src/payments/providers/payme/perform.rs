//! `PerformTransaction`: the payer has paid. The money is on their balance when this is answered.

use super::CODE;
use super::errors::Refusal;
use super::locked::{Locked, Reach};
use super::row::PerformStep;
use super::rpc::Answer;
use crate::audit::Actor;
use crate::error::Result;
use crate::ledger::{self, Account, Posting};
use crate::payments::{Transaction, mail_receipt};
use crate::{App, Outcome, Tx, escrow};

pub(super) async fn run(tx: &mut Tx, app: &App, id: &str) -> Result<Answer> {
    let Some(mut locked) = Locked::find(tx, id, Reach::Deal).await? else {
        return Ok(Err(Refusal::unknown_transaction()));
    };
    match locked.payment.perform(tx.now().timestamp_millis()) {
        PerformStep::Credit => credit(tx, app, &mut locked).await,
        PerformStep::Replay => Ok(locked.payment.performed()),
        PerformStep::Expired => {
            locked.release(tx, "expired at Payme").await?;
            Ok(Err(Refusal::state()))
        }
        PerformStep::Refused => Ok(Err(Refusal::state())),
    }
}

/// Credits the payer once, and pays the deal the deposit was made for.
async fn credit(tx: &mut Tx, app: &App, locked: &mut Locked) -> Result<Answer> {
    let Locked { deposit, payment } = locked;
    let Ok(outcome) = deposit.complete(&payment.id, tx.now()) else {
        tracing::error!(target: "payments", transaction = %deposit.id, status = %deposit.status, payme = payment.id, "a live Payme transaction of a closed deposit: refused");
        return Ok(Err(Refusal::state()));
    };
    if outcome == Outcome::Done {
        ledger::open_account(tx, Account::Available(deposit.user_id)).await?;
        let _posted = ledger::post(tx, &posting(deposit)).await?;
        deposit.save(tx).await?;
    }
    payment.save(tx).await?;
    tracing::info!(target: "payments", transaction = %deposit.id, amount = %deposit.amount, payme = payment.id, "deposit completed");
    if let Some(deal) = deposit.escrow_id {
        let _funded = escrow::fund_from_deposit(tx, app, deal).await?;
    }
    mail_receipt(tx, deposit).await?;
    Ok(payment.performed())
}

fn posting(deposit: &Transaction) -> Posting {
    Posting::new(format!("deposit:{}", deposit.id), "deposit", Actor::Provider(CODE))
        .leg(Account::Provider(CODE), -deposit.amount)
        .leg(Account::Available(deposit.user_id), deposit.amount)
}
