//! `PerformTransaction`: the payer has paid. The money is on their balance when this is answered.

use super::PROVIDER;
use super::errors::Refusal;
use super::locked::{Locked, Reach};
use super::row::PerformStep;
use super::rpc::Answer;
use crate::error::{Code, Result};
use crate::payments::credit::complete_deposit;
use crate::{App, Tx};

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
    match complete_deposit(tx, app, deposit, (PROVIDER, &payment.id)).await {
        Ok(_outcome) => {}
        Err(error) if error.code() == Code::InvalidState => {
            tracing::error!(target: "payments", transaction = %deposit.id, status = %deposit.status, payme = payment.id, "a live Payme transaction of a closed deposit: refused");
            return Ok(Err(Refusal::state()));
        }
        Err(error) => return Err(error),
    }
    payment.save(tx).await?;
    Ok(payment.performed())
}
