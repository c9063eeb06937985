//! `CheckTransaction`: in which state is it?

use super::errors::Refusal;
use super::locked::{Locked, Reach};
use super::row::Payment;
use super::rpc::Answer;
use crate::Tx;
use crate::error::Result;

/// Reads without a lock, unless its time is over: then it is cancelled first.
pub(super) async fn run(tx: &mut Tx, id: &str) -> Result<Answer> {
    let Some(payment) = Payment::find(tx, id).await? else {
        return Ok(Err(Refusal::unknown_transaction()));
    };
    if !payment.is_expired(tx.now().timestamp_millis()) {
        return Ok(payment.checked());
    }
    let Some(mut locked) = Locked::find(tx, id, Reach::Deposit).await? else {
        return Ok(Err(Refusal::unknown_transaction()));
    };
    if locked.payment.is_expired(tx.now().timestamp_millis()) {
        locked.expire(tx).await?;
    }
    Ok(locked.payment.checked())
}
