//! `CancelTransaction`: an operator of Paynet gives the money back.

use super::PROVIDER;
use super::errors::Refusal;
use super::row::{CancelStep, Payment};
use super::rpc::Answer;
use crate::error::{Code, Error, Result};
use crate::payments::Transaction;
use crate::payments::credit::reverse_deposit;
use crate::{App, Tx};

pub(super) async fn run(tx: &mut Tx, app: &App, id: i64) -> Result<Answer> {
    let Some(known) = Payment::find(tx, id).await? else {
        return Ok(Err(Refusal::unknown_transaction()));
    };
    let deposit = Transaction::lock(tx, known.transaction_id).await?;
    let mut payment = Payment::lock(tx, id)
        .await?
        .ok_or_else(|| Error::internal(format!("Paynet transaction {id} vanished")))?;
    match payment.cancel(tx.now()) {
        CancelStep::Reverse => reverse(tx, &deposit, &payment).await,
        CancelStep::Replay if app.settings.paynet.cancel_replay_refused => {
            Ok(Err(Refusal::already_cancelled()))
        }
        CancelStep::Replay => Ok(payment.cancelled()),
    }
}

/// Takes the money back from the payer's balance, if it is still there.
async fn reverse(tx: &mut Tx, deposit: &Transaction, payment: &Payment) -> Result<Answer> {
    match reverse_deposit(tx, deposit, PROVIDER).await {
        Ok(_outcome) => {}
        Err(error) if error.code() == Code::InsufficientFunds => {
            tracing::error!(target: "payments", transaction = %deposit.id, amount = %deposit.amount, paynet = payment.id, "Paynet asked for a refund of money that was spent: refused");
            return Ok(Err(Refusal::spent()));
        }
        Err(error) => return Err(error),
    }
    payment.save(tx).await?;
    Ok(payment.cancelled())
}
