//! Staff give the buyer everything back.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::model::{CloseReason, Escrow, EscrowStatus, Event, lock};
use super::second_opinion::is_agreed;
use super::settle::settle;
use crate::audit::{self, Actor};
use crate::error::Result;
use crate::ids::{EscrowId, UserId};
use crate::{Money, Outcome, Tx};

/// Refunds a deal whose money is held. A repeat by staff finds it done.
/// A deal above `limit` waits for a second member of staff who decides the same.
///
/// # Errors
/// `NOT_FOUND`; `PERMISSION_DENIED` for staff who are a party; `INVALID_STATE` when no money is held.
pub async fn refund(tx: &mut Tx, limit: Money, staff: UserId, id: EscrowId) -> Result<Escrow> {
    let mut locked = lock(tx, id).await?;
    let before = locked.escrow.clone();
    match locked.escrow.refund(staff, tx.now())? {
        Outcome::Done => {
            if !is_agreed(tx, limit, staff, &locked.escrow).await? {
                return Ok(before);
            }
            let from = locked.from;
            let escrow = settle(tx, locked, Actor::Staff(staff), Event::Refunded, None).await?;
            let details = json!({ "from": from, "refund": escrow.buyer_refund });
            audit::record(
                tx,
                Actor::Staff(staff),
                "escrow.refund",
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
    fn refund(&mut self, staff: UserId, now: DateTime<Utc>) -> Result<Outcome> {
        self.require_impartial(staff)?;
        if self.status == EscrowStatus::Refunded
            && self.close_reason == Some(CloseReason::RefundedByStaff)
        {
            return Ok(Outcome::AlreadyDone);
        }
        if !self.holds_money() {
            return Err(self.refused());
        }
        self.decided_by(staff);
        self.close(self.amount, CloseReason::RefundedByStaff, now)?;
        Ok(Outcome::Done)
    }

    /// Notes who ended a dispute, when there was one.
    pub(super) fn decided_by(&mut self, staff: UserId) {
        if self.status == EscrowStatus::Disputed {
            self.dispute_resolved_by = Some(staff);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{assert_adds_up, handed_over, hours, sample};
    use super::*;
    use crate::Code;

    #[test]
    fn staff_refund_what_is_held_once() {
        use EscrowStatus::{Delivered, Disputed, Paid};
        for mut escrow in [sample(Paid), handed_over(), sample(Delivered), sample(Disputed)] {
            let (staff, disputed) = (UserId::new(), escrow.status == Disputed);
            assert_eq!(escrow.refund(staff, hours(5)).expect("held"), Outcome::Done);
            assert_eq!(
                (escrow.status, escrow.buyer_refund),
                (EscrowStatus::Refunded, escrow.amount)
            );
            assert_eq!(escrow.dispute_resolved_by, disputed.then_some(staff));
            assert_adds_up(&escrow);
            assert_eq!(
                escrow.refund(UserId::new(), hours(6)).expect("a colleague's repeat"),
                Outcome::AlreadyDone
            );
        }
    }

    #[test]
    fn nothing_is_refunded_that_is_not_held() {
        use EscrowStatus::{Cancelled, Confirmed, PendingPayment, Refunded};
        for status in [PendingPayment, Confirmed, Refunded, Cancelled] {
            let mut escrow = sample(status);
            assert_eq!(
                escrow.refund(UserId::new(), hours(5)).expect_err("refused").code(),
                Code::InvalidState,
                "{status}"
            );
            assert_eq!(escrow.status, status);
        }
    }

    #[test]
    fn nobody_refunds_their_own_deal() {
        let mut escrow = sample(EscrowStatus::Paid);
        for party in [escrow.buyer_id, escrow.seller_id] {
            assert_eq!(
                escrow.refund(party, hours(5)).expect_err("a party").code(),
                Code::PermissionDenied
            );
        }
    }
}
