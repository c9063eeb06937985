//! `CancelTransaction`: the payer will not pay, or an operator of Payme gives the money back.

use serde_json::json;

use super::PROVIDER;
use super::errors::Refusal;
use super::locked::{Locked, Reach};
use super::row::CancelStep;
use super::rpc::{self, Answer};
use crate::Tx;
use crate::error::{Code, Result};
use crate::payments::cases::{CaseKind, NewCase, open_case};
use crate::payments::credit::reverse_deposit;
use crate::payments::mail_receipt;

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

/// Takes the money back from the payer's balance, if it is still there.
async fn reverse(tx: &mut Tx, locked: &Locked) -> Result<Answer> {
    let Locked { deposit, payment } = locked;
    match reverse_deposit(tx, deposit, PROVIDER).await {
        Ok(_outcome) => {}
        Err(error) if error.code() == Code::InsufficientFunds => {
            tracing::error!(target: "payments", transaction = %deposit.id, amount = %deposit.amount, payme = payment.id, "Payme asked for a refund of money that was spent: refused");
            let case = NewCase {
                kind: CaseKind::RefundRefused,
                provider: PROVIDER,
                transaction_id: Some(deposit.id),
                fact: payment.id.clone(),
                details: json!({ "amount": deposit.amount, "reason": payment.reason }),
            };
            let _opened = open_case(tx, case).await?;
            return Ok(Err(Refusal::spent()));
        }
        Err(error) => return Err(error),
    }
    payment.save(tx).await?;
    Ok(payment.cancelled())
}
