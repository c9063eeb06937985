//! A person changes their mind before the money leaves.

use serde_json::json;

use super::model::Locked;
use super::settle::release;
use crate::audit::Actor;
use crate::error::{Code, Error, Result};
use crate::ids::{TransactionId, UserId};
use crate::payments::TransactionStatus;
use crate::{Outcome, Tx};

/// Cancels a withdrawal of the person's own that waits; the money is back on the balance. A repeat finds it done.
///
/// # Errors
/// `NOT_FOUND` when it is not theirs; `INVALID_STATE` when a worker has it already, or staff decided.
pub async fn cancel(tx: &mut Tx, user: UserId, id: TransactionId) -> Result<Outcome> {
    let mut locked = Locked::get(tx, id).await?;
    if locked.transaction.user_id != user {
        return Err(Error::new(Code::NotFound));
    }
    let by_themselves = locked.withdrawal.rejected_by.is_none();
    match locked.transaction.status {
        TransactionStatus::Pending => {}
        TransactionStatus::Cancelled if by_themselves => return Ok(Outcome::AlreadyDone),
        TransactionStatus::Processing
        | TransactionStatus::Completed
        | TransactionStatus::Failed
        | TransactionStatus::Cancelled => return Err(locked.refused()),
    }
    let _done = locked.transaction.cancel("by the person", tx.now())?;
    release(tx, &mut locked, Actor::User(user)).await?;
    locked.tell(tx, Actor::User(user), "withdrawal.cancel", json!({})).await?;
    Ok(Outcome::Done)
}
