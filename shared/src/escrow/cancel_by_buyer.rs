//! The buyer gives up: a reservation at any time, a paid deal when the seller has kept them waiting. Before that it is
//! a wish, and after the hand-over a dispute.

use chrono::{DateTime, Utc};

use super::announce::announce;
use super::expire_unpaid::give_up_reservation;
use super::jobs::HonourCancelWish;
use super::model::{CloseReason, Escrow, EscrowStatus, Event, Side, lock};
use super::settle::settle;
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::{EscrowId, UserId};
use crate::jobs::enqueue_at;
use crate::{Timed, Tx};

/// What staff read when the buyer gave no reason.
const NO_REASON: &str = "the buyer wishes to cancel the deal";

/// What a buyer's wish to cancel comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The reservation ends.
    Cancelled,
    /// The seller kept them waiting: the money goes back.
    Refunded,
    /// The seller still has time: they may agree, and at `deliver_by` the money goes back unless they hand over.
    Asked(DateTime<Utc>),
    /// The buyer may know the password: staff decide.
    Disputed,
    /// It was so before.
    AlreadyDone,
}

/// Cancels an unpaid deal, or refunds a paid one whose seller handed nothing over by `deliver_by`. Earlier it records
/// the wish, which the seller may grant by giving up; after the hand-over it opens a dispute. A repeat finds it done.
///
/// # Errors
/// `NOT_FOUND` for strangers, `PERMISSION_DENIED` for the seller, `INVALID_STATE` after receipt and after the end.
pub async fn cancel_by_buyer(
    tx: &mut Tx,
    buyer: UserId,
    id: EscrowId,
    reason: &str,
) -> Result<Escrow> {
    let mut locked = lock(tx, id).await?;
    let (actor, reason) = (Actor::User(buyer), reason.trim());
    match locked.escrow.cancel_by_buyer(buyer, reason, tx.now())? {
        Step::Cancelled => {
            give_up_reservation(tx, locked, actor, Event::Cancelled, Some(reason)).await
        }
        Step::Refunded => settle(tx, locked, actor, Event::Refunded, Some(reason)).await,
        Step::Asked(deliver_by) => {
            let (mut escrow, from) = (locked.escrow, locked.from);
            escrow.save(tx, actor, Event::CancelAsked, from, Some(reason)).await?;
            enqueue_at(tx, &HonourCancelWish { escrow_id: id }, deliver_by).await?;
            announce(tx, &escrow, Event::CancelAsked).await?;
            Ok(escrow)
        }
        Step::Disputed => {
            let (mut escrow, from) = (locked.escrow, locked.from);
            escrow.save(tx, actor, Event::Disputed, from, Some(reason)).await?;
            announce(tx, &escrow, Event::Disputed).await?;
            Ok(escrow)
        }
        Step::AlreadyDone => Ok(locked.escrow),
    }
}

/// Refunds a buyer who wished to cancel and whose seller handed nothing over by `deliver_by`. The timer's command.
///
/// # Errors
/// The database's.
pub async fn honour_cancel_wish(tx: &mut Tx, id: EscrowId) -> Result<Timed> {
    let mut locked = lock(tx, id).await?;
    let timed = locked.escrow.honour_cancel_wish(tx.now())?;
    if timed == Timed::Done {
        let reason = "the buyer wished to cancel, and nothing was handed over in time";
        settle(tx, locked, Actor::System, Event::Refunded, Some(reason)).await?;
    }
    Ok(timed)
}

impl Escrow {
    fn cancel_by_buyer(&mut self, buyer: UserId, reason: &str, now: DateTime<Utc>) -> Result<Step> {
        self.require(Side::Buyer, buyer)?;
        match (self.status, self.handed_over_at, self.deliver_by) {
            (EscrowStatus::PendingPayment, _, _) => {
                self.cancel(CloseReason::BuyerCancelled, now);
                Ok(Step::Cancelled)
            }
            (EscrowStatus::Paid, None, Some(deliver_by)) if now < deliver_by => {
                if self.cancel_asked_at.is_some() {
                    return Ok(Step::AlreadyDone);
                }
                self.cancel_asked_at = Some(now);
                Ok(Step::Asked(deliver_by))
            }
            (EscrowStatus::Paid, None, Some(_)) => {
                self.close(self.amount, CloseReason::BuyerCancelled, now)?;
                Ok(Step::Refunded)
            }
            (EscrowStatus::Paid, Some(_), _) => {
                self.cancel_asked_at = Some(now);
                let reason = if reason.is_empty() { NO_REASON } else { reason };
                self.begin_dispute(buyer, reason, now);
                Ok(Step::Disputed)
            }
            (EscrowStatus::Disputed, _, _)
                if self.cancel_asked_at.is_some() && self.disputed_by == Some(buyer) =>
            {
                Ok(Step::AlreadyDone)
            }
            (EscrowStatus::Refunded | EscrowStatus::Cancelled, _, _)
                if self.close_reason == Some(CloseReason::BuyerCancelled) =>
            {
                Ok(Step::AlreadyDone)
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

    fn honour_cancel_wish(&mut self, now: DateTime<Utc>) -> Result<Timed> {
        if self.status != EscrowStatus::Paid
            || self.handed_over_at.is_some()
            || self.cancel_asked_at.is_none()
        {
            return Ok(Timed::AlreadyDone);
        }
        match self.deliver_by {
            Some(deliver_by) if now < deliver_by => Ok(Timed::NotBefore(deliver_by)),
            Some(_) | None => {
                self.close(self.amount, CloseReason::BuyerCancelled, now)?;
                Ok(Timed::Done)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{assert_adds_up, handed_over, hours, sample};
    use super::*;
    use crate::Code;

    #[test]
    fn a_reservation_is_cancelled_at_any_time() {
        let mut escrow = sample(EscrowStatus::PendingPayment);
        let buyer = escrow.buyer_id;
        assert_eq!(escrow.cancel_by_buyer(buyer, "", hours(1)).expect("unpaid"), Step::Cancelled);
        assert_eq!(
            (escrow.status, escrow.close_reason),
            (EscrowStatus::Cancelled, Some(CloseReason::BuyerCancelled))
        );
        let again = escrow.cancel_by_buyer(buyer, "", hours(2)).expect("a repeat");
        assert_eq!(again, Step::AlreadyDone);
    }

    #[test]
    fn a_paid_deal_is_cancelled_only_when_the_seller_is_late_and_before_that_it_is_a_wish() {
        let mut escrow = sample(EscrowStatus::Paid);
        let buyer = escrow.buyer_id;
        assert_eq!(escrow.honour_cancel_wish(hours(99)).expect("no wish"), Timed::AlreadyDone);
        let asked = escrow.cancel_by_buyer(buyer, "", hours(1)).expect("early");
        assert_eq!((asked, escrow.status), (Step::Asked(hours(24)), EscrowStatus::Paid));
        let again = escrow.cancel_by_buyer(buyer, "", hours(2)).expect("a repeat");
        assert_eq!((again, escrow.cancel_asked_at), (Step::AlreadyDone, Some(hours(1))));
        assert_eq!(
            escrow.honour_cancel_wish(hours(23)).expect("early"),
            Timed::NotBefore(hours(24))
        );
        let mut by_timer = escrow.clone();
        assert_eq!(by_timer.honour_cancel_wish(hours(24)).expect("due"), Timed::Done);
        assert_eq!(escrow.cancel_by_buyer(buyer, "", hours(24)).expect("late"), Step::Refunded);
        for refunded in [&mut escrow, &mut by_timer] {
            assert_eq!(
                (refunded.status, refunded.buyer_refund),
                (EscrowStatus::Refunded, refunded.amount)
            );
            assert_adds_up(refunded);
            let again = refunded.cancel_by_buyer(buyer, "", hours(25)).expect("a repeat");
            assert_eq!(again, Step::AlreadyDone);
            assert_eq!(refunded.honour_cancel_wish(hours(25)).expect("done"), Timed::AlreadyDone);
        }
    }

    #[test]
    fn after_the_hand_over_staff_decide() {
        let mut escrow = handed_over();
        let buyer = escrow.buyer_id;
        let step = escrow.cancel_by_buyer(buyer, "", hours(100)).expect("a dispute");
        assert_eq!((step, escrow.status), (Step::Disputed, EscrowStatus::Disputed));
        assert_eq!(escrow.dispute_reason.as_deref(), Some(NO_REASON));
        assert_eq!(escrow.honour_cancel_wish(hours(101)).expect("disputed"), Timed::AlreadyDone);
        let again = escrow.cancel_by_buyer(buyer, "", hours(101)).expect("a repeat");
        assert_eq!(again, Step::AlreadyDone);
    }

    #[test]
    fn nothing_is_cancelled_after_receipt_or_the_end() {
        use EscrowStatus::{Cancelled, Confirmed, Delivered, Disputed, Refunded};
        for mut escrow in [Cancelled, Confirmed, Delivered, Disputed, Refunded].map(sample) {
            let (buyer, before) = (escrow.buyer_id, escrow.status);
            assert_eq!(
                escrow.cancel_by_buyer(buyer, "", hours(1000)).expect_err("refused").code(),
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
            escrow.cancel_by_buyer(seller, "", hours(1)).expect_err("the seller").code(),
            Code::PermissionDenied
        );
        assert_eq!(
            escrow.cancel_by_buyer(UserId::new(), "", hours(1)).expect_err("a stranger").code(),
            Code::NotFound
        );
    }
}
