//! `CancelTransaction`: the payer will not pay, or an operator of Payme gives the money back.

use super::CODE;
use super::errors::Refusal;
use super::locked::{Locked, Reach};
use super::row::CancelStep;
use super::rpc::{self, Answer};
use crate::Tx;
use crate::audit::Actor;
use crate::error::{Code, Result};
use crate::ledger::{self, Account, Posting};
use crate::payments::{Transaction, mail_receipt};

/// The parameters.
#[derive(Debug, PartialEq)]
pub(super) struct Params {
    /// Payme's id of the transaction.
    pub id: String,
    reason: i16,
}

impl Params {
    pub(super) fn read(params: rpc::Params<'_>) -> std::result::Result<Self, Refusal> {
        let id = params.text("id")?.to_owned();
        let reason =
            params.integer("reason")?.try_into().ok().ok_or_else(|| Refusal::request("reason"))?;
        Ok(Self { id, reason })
    }
}

pub(super) async fn run(tx: &mut Tx, params: &Params) -> Result<Answer> {
    let Some(mut locked) = Locked::find(tx, &params.id, Reach::Deposit).await? else {
        return Ok(Err(Refusal::unknown_transaction()));
    };
    match locked.payment.cancel(params.reason, tx.now().timestamp_millis()) {
        CancelStep::Release => {
            locked.release(tx, "cancelled by Payme").await?;
            mail_receipt(tx, &locked.deposit).await?;
            Ok(locked.payment.cancelled())
        }
        CancelStep::Reverse => reverse(tx, &locked).await,
        CancelStep::Replay => Ok(locked.payment.cancelled()),
    }
}

/// Takes the money back from the payer's balance, if it is still there. A completed deposit stays completed: the way
/// back is a movement of its own.
async fn reverse(tx: &mut Tx, locked: &Locked) -> Result<Answer> {
    let Locked { deposit, payment } = locked;
    match ledger::try_post(tx, &posting(deposit)).await {
        Ok(_posted) => {}
        Err(error) if error.code() == Code::InsufficientFunds => {
            tracing::error!(target: "payments", transaction = %deposit.id, amount = %deposit.amount, payme = payment.id, "Payme asked for a refund of money that was spent: refused");
            return Ok(Err(Refusal::spent()));
        }
        Err(error) => return Err(error),
    }
    let reversal = deposit.reversal(tx.now());
    reversal.insert(tx).await?;
    payment.save(tx).await?;
    mail_receipt(tx, &reversal).await?;
    tracing::warn!(target: "payments", transaction = %deposit.id, amount = %deposit.amount, payme = payment.id, "deposit taken back by Payme");
    Ok(payment.cancelled())
}

fn posting(deposit: &Transaction) -> Posting {
    Posting::new(
        format!("deposit_reversal:{}", deposit.id),
        "deposit_reversal",
        Actor::Provider(CODE),
    )
    .leg(Account::Available(deposit.user_id), -deposit.amount)
    .leg(Account::Provider(CODE), deposit.amount)
}
