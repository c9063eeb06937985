//! Staff refuse a withdrawal.

use serde_json::json;

use super::model::Locked;
use super::settle::release;
use crate::audit::Actor;
use crate::error::{Error, Result, texts};
use crate::ids::{TransactionId, UserId};
use crate::payments::TransactionStatus;
use crate::{Outcome, Tx};

/// The longest reason, in characters.
const REASON_MAX: usize = 2_000;

/// Refuses a waiting withdrawal; the money is back on the balance, and its owner is told why. The same member of staff
/// again finds it done.
///
/// # Errors
/// `VALIDATION_ERROR` naming `reason`; `NOT_FOUND`; `PERMISSION_DENIED` for one's own; `INVALID_STATE` when it does not
/// wait any more.
pub async fn reject(
    tx: &mut Tx,
    staff: UserId,
    id: TransactionId,
    reason: &str,
) -> Result<Outcome> {
    let reason = reason.trim();
    match reason.chars().count() {
        0 => return Err(Error::field("reason", texts::REQUIRED)),
        1..=REASON_MAX => {}
        _ => {
            return Err(Error::new(crate::Code::ValidationError).and_field(
                "reason",
                texts::TOO_LONG,
                REASON_MAX.to_string(),
            ));
        }
    }
    let mut locked = Locked::get(tx, id).await?;
    locked.withdrawal.require_impartial(staff)?;
    if locked.withdrawal.rejected_by == Some(staff) {
        return Ok(Outcome::AlreadyDone);
    }
    if locked.transaction.status != TransactionStatus::Pending {
        return Err(locked.refused());
    }
    locked.withdrawal.rejected_by = Some(staff);
    locked.withdrawal.reject_reason = Some(reason.to_owned());
    let _done = locked.transaction.reject(tx.now())?;
    release(tx, &mut locked, Actor::Staff(staff)).await?;
    let details = json!({ "reason": reason });
    locked.tell(tx, Actor::Staff(staff), "withdrawal.reject", details).await?;
    Ok(Outcome::Done)
}
