//! Staff pay the seller early.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::model::{CloseReason, Escrow, EscrowStatus, Event, lock};
use super::second_opinion::is_agreed;
use super::settle::settle;
use crate::audit::{self, Actor};
use crate::error::Result;
use crate::ids::{EscrowId, UserId};
use crate::{Money, Outcome, Tx};

/// Pays the seller of a deal whose money is held. A repeat by staff finds it done.
/// A deal above `limit` waits for a second member of staff who decides the same.
///
/// # Errors
/// `NOT_FOUND`; `PERMISSION_DENIED` for staff who are a party; `INVALID_STATE` when no money is held.
pub async fn complete(tx: &mut Tx, limit: Money, staff: UserId, id: EscrowId) -> Result<Escrow> {
    let mut locked = lock(tx, id).await?;
    let before = locked.escrow.clone();
    match locked.escrow.complete(staff, tx.now())? {
        Outcome::Done => {
            if !is_agreed(tx, limit, staff, &locked.escrow).await? {
                return Ok(before);
            }
            let from = locked.from;
            let escrow = settle(tx, locked, Actor::Staff(staff), Event::Completed, None).await?;
            let details = json!({ "from": from, "seller_earnings": escrow.seller_earnings });
            audit::record(
                tx,
                Actor::Staff(staff),
                "escrow.complete",
                ("escrow", id.to_string()),
                details,
            )
            .await?;
            Ok(escrow)
        }
        Outcome::AlreadyDone => Ok(locked.escrow),
    }
}

impl Escrow {
    fn complete(&mut self, staff: UserId, now: DateTime<Utc>) -> Result<Outcome> {
        self.require_impartial(staff)?;
        if self.status == EscrowStatus::Confirmed
            && self.close_reason == Some(CloseReason::CompletedByStaff)
        {
            return Ok(Outcome::AlreadyDone);
        }
        if !self.holds_money() {
            return Err(self.refused());
        }
        self.decided_by(staff);
        self.admin_released_at = Some(now);
        self.close(Money::ZERO, CloseReason::CompletedByStaff, now)?;
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{assert_adds_up, handed_over, hours, sample};
    use super::*;
    use crate::Code;

    #[test]
    fn staff_pay_the_seller_once() {
        use EscrowStatus::{Delivered, Disputed, Paid};
        for mut escrow in [sample(Paid), handed_over(), sample(Delivered), sample(Disputed)] {
            let (staff, disputed) = (UserId::new(), escrow.status == Disputed);
            assert_eq!(escrow.complete(staff, hours(5)).expect("held"), Outcome::Done);
            assert_eq!(
                (escrow.status, escrow.admin_released_at),
                (EscrowStatus::Confirmed, Some(hours(5)))
            );
            assert_eq!(escrow.dispute_resolved_by, disputed.then_some(staff));
            assert_adds_up(&escrow);
            assert_eq!(
                escrow.complete(UserId::new(), hours(6)).expect("a colleague's repeat"),
                Outcome::AlreadyDone
            );
        }
    }

    #[test]
    fn nothing_is_completed_that_is_not_held() {
        use EscrowStatus::{Cancelled, Confirmed, PendingPayment, Refunded};
        for status in [PendingPayment, Confirmed, Refunded, Cancelled] {
            let mut escrow = sample(status);
            assert_eq!(
                escrow.complete(UserId::new(), hours(5)).expect_err("refused").code(),
                Code::InvalidState,
                "{status}"
            );
            assert_eq!((escrow.status, escrow.admin_released_at), (status, None));
        }
    }

    #[test]
    fn nobody_completes_their_own_deal() {
        let mut escrow = sample(EscrowStatus::Paid);
        for party in [escrow.buyer_id, escrow.seller_id] {
            assert_eq!(
                escrow.complete(party, hours(5)).expect_err("a party").code(),
                Code::PermissionDenied
            );
        }
    }
}
