//! Staff let a withdrawal leave.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::jobs::ProcessWithdrawal;
use super::model::{Locked, Withdrawal};
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::{TransactionId, UserId};
use crate::jobs::enqueue_at;
use crate::payments::TransactionStatus;
use crate::{Outcome, Tx};

/// Approves a waiting withdrawal. With the last approval that is needed it is paid, though not before its time. The same
/// member of staff again finds it done.
///
/// # Errors
/// `NOT_FOUND`; `PERMISSION_DENIED` for one's own; `INVALID_STATE` when it does not wait any more.
pub async fn approve(tx: &mut Tx, staff: UserId, id: TransactionId) -> Result<Outcome> {
    let mut locked = Locked::get(tx, id).await?;
    locked.withdrawal.require_impartial(staff)?;
    if locked.withdrawal.is_approved_by(staff)
        && locked.transaction.status != TransactionStatus::Cancelled
    {
        return Ok(Outcome::AlreadyDone);
    }
    if locked.transaction.status != TransactionStatus::Pending {
        return Err(locked.refused());
    }
    locked.withdrawal.approve(staff, tx.now());
    locked.save(tx).await?;
    let missing = locked.withdrawal.approvals_missing();
    let details = json!({ "approvals_missing": missing });
    locked.tell(tx, Actor::Staff(staff), "withdrawal.approve", details).await?;
    if missing == 0 {
        let job = ProcessWithdrawal { transaction_id: id };
        let at = tx.now().max(locked.withdrawal.not_before);
        enqueue_at(tx, &job, at).await?;
    }
    Ok(Outcome::Done)
}

impl Withdrawal {
    fn approve(&mut self, staff: UserId, now: DateTime<Utc>) {
        if self.approved_by.is_none() {
            (self.approved_by, self.approved_at) = (Some(staff), Some(now));
        } else if self.second_approved_by.is_none() {
            (self.second_approved_by, self.second_approved_at) = (Some(staff), Some(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{hours, sample};
    use super::*;

    #[test]
    fn two_approvals_are_by_two_people() {
        let mut row = sample(TransactionStatus::Pending, 2).withdrawal;
        let (first, second) = (UserId::new(), UserId::new());
        assert_eq!(row.approvals_missing(), 2);
        row.approve(first, hours(1));
        assert!(row.is_approved_by(first) && row.approvals_missing() == 1);
        row.approve(second, hours(2));
        assert!(row.is_approved_by(second) && row.approvals_missing() == 0);
        assert_eq!((row.approved_at, row.second_approved_at), (Some(hours(1)), Some(hours(2))));
        row.approve(UserId::new(), hours(3));
        assert_eq!(row.second_approved_by, Some(second), "a third is one too many");
    }

    #[test]
    fn nobody_decides_about_their_own_money() {
        let row = sample(TransactionStatus::Pending, 1).withdrawal;
        assert!(row.require_impartial(row.user_id).is_err());
        assert!(row.require_impartial(UserId::new()).is_ok());
    }
}
