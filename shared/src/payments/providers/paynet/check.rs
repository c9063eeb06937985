//! `CheckTransaction`: in which state is it? Paynet asks after a time-out, and after error 201.

use super::row::Payment;
use super::rpc::Answer;
use crate::Tx;
use crate::error::Result;

/// Reads without a lock.
pub(super) async fn run(tx: &mut Tx, id: i64) -> Result<Answer> {
    Ok(match Payment::find(tx, id).await? {
        Some(payment) => payment.checked(),
        None => Payment::not_found(tx.now()),
    })
}
