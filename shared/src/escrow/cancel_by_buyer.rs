//! The buyer gives up: a reservation at any time, a paid deal when the seller has kept them waiting.

use chrono::{DateTime, Utc};

use super::expire_unpaid::give_up_reservation;
use super::model::{CloseReason, Escrow, EscrowStatus, Event, Side, lock};
use super::settle::settle;
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::{EscrowId, UserId};
use crate::{Outcome, Tx};

/// Cancels an unpaid deal, or refunds a paid one whose seller handed nothing over by `deliver_by`.
/// A repeat finds it done.
///
/// # Errors
/// `NOT_FOUND` for strangers, `PERMISSION_DENIED` for the seller, `INVALID_STATE` otherwise; before `deliver_by`
/// with that instant as `details.available_at`.
pub async fn cancel_by_buyer(
    tx: &mut Tx,
    buyer: UserId,
    id: EscrowId,
    reason: &str,
) -> Result<Escrow> {
    let mut locked = lock(tx, id).await?;
    let actor = Actor::User(buyer);
    match locked.escrow.cancel_by_buyer(buyer, tx.now())? {
        Outcome::Done if locked.from == EscrowStatus::PendingPayment => {
            give_up_reservation(tx, locked, actor, Event::Cancelled, Some(reason)).await
        }
        Outcome::Done => settle(tx, locked, actor, Event::Refunded, Some(reason)).await,
        Outcome::AlreadyDone => Ok(locked.escrow),
    }
}

impl Escrow {
    fn cancel_by_buyer(&mut self, buyer: UserId, now: DateTime<Utc>) -> Result<Outcome> {
        self.require(Side::Buyer, buyer)?;
        match (self.status, self.handed_over_at, self.deliver_by) {
            (EscrowStatus::PendingPayment, _, _) => {
                self.cancel(CloseReason::BuyerCancelled, now);
                Ok(Outcome::Done)
            }
            (EscrowStatus::Paid, None, Some(deliver_by)) if now < deliver_by => {
                Err(self.refused().fact("available_at", deliver_by.to_rfc3339().into()))
            }
            (EscrowStatus::Paid, None, Some(_)) => {
                self.close(self.amount, CloseReason::BuyerCancelled, now)?;
                Ok(Outcome::Done)
            }
            (EscrowStatus::Refunded | EscrowStatus::Cancelled, _, _)
                if self.close_reason == Some(CloseReason::BuyerCancelled) =>
            {
                Ok(Outcome::AlreadyDone)
            }
            (
                EscrowStatus::Paid
                | EscrowStatus::Delivered
                | EscrowStatus::Disputed
                | EscrowStatus::Confirmed
                | EscrowStatus::Refunded
                | EscrowStatus::Cancelled,
                _,
                _,
            ) => Err(self.refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{assert_adds_up, handed_over, hours, sample};
    use super::*;
    use crate::Code;
    use crate::language::Language;

    #[test]
    fn a_reservation_is_cancelled_at_any_time() {
        let mut escrow = sample(EscrowStatus::PendingPayment);
        let buyer = escrow.buyer_id;
        assert_eq!(escrow.cancel_by_buyer(buyer, hours(1)).expect("unpaid"), Outcome::Done);
        assert_eq!(
            (escrow.status, escrow.close_reason),
            (EscrowStatus::Cancelled, Some(CloseReason::BuyerCancelled))
        );
        assert_eq!(
            escrow.cancel_by_buyer(buyer, hours(2)).expect("a repeat"),
            Outcome::AlreadyDone
        );
    }

    #[test]
    fn a_paid_deal_is_cancelled_only_when_the_seller_is_late() {
        let mut escrow = sample(EscrowStatus::Paid);
        let buyer = escrow.buyer_id;
        let early = escrow.cancel_by_buyer(buyer, hours(23)).expect_err("early");
        assert_eq!(early.code(), Code::InvalidState);
        assert_eq!(
            early.details(Language::En).get("available_at").and_then(serde_json::Value::as_str),
            Some("1970-01-02T00:00:00+00:00")
        );
        assert_eq!(escrow.cancel_by_buyer(buyer, hours(24)).expect("late"), Outcome::Done);
        assert_eq!((escrow.status, escrow.buyer_refund), (EscrowStatus::Refunded, escrow.amount));
        assert_adds_up(&escrow);
        assert_eq!(
            escrow.cancel_by_buyer(buyer, hours(25)).expect("a repeat"),
            Outcome::AlreadyDone
        );
    }

    #[test]
    fn nothing_is_cancelled_after_the_hand_over_or_the_end() {
        use EscrowStatus::{Cancelled, Confirmed, Delivered, Disputed, Refunded};
        let closed = [Cancelled, Confirmed, Delivered, Disputed, Refunded].map(sample);
        for mut escrow in closed.into_iter().chain([handed_over()]) {
            let (buyer, before) = (escrow.buyer_id, escrow.status);
            assert_eq!(
                escrow.cancel_by_buyer(buyer, hours(1000)).expect_err("refused").code(),
                Code::InvalidState,
                "{before}"
            );
            assert_eq!(escrow.status, before);
        }
    }

    #[test]
    fn only_the_buyer_cancels() {
        let mut escrow = sample(EscrowStatus::PendingPayment);
        let seller = escrow.seller_id;
        assert_eq!(
            escrow.cancel_by_buyer(seller, hours(1)).expect_err("the seller").code(),
            Code::PermissionDenied
        );
        assert_eq!(
            escrow.cancel_by_buyer(UserId::new(), hours(1)).expect_err("a stranger").code(),
            Code::NotFound
        );
    }
}
