//! A reservation without money ends.

use chrono::{DateTime, Utc};

use super::announce::announce;
use super::model::{CloseReason, Escrow, EscrowStatus, Event, Locked, lock};
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::EscrowId;
use crate::{Timed, Tx};

/// Cancels a deal that was not paid in time; its listing is for sale again. A payment that comes later stays on the
/// buyer's balance. The timer's command.
///
/// # Errors
/// The database's.
pub async fn expire_unpaid(tx: &mut Tx, id: EscrowId) -> Result<Timed> {
    let mut locked = lock(tx, id).await?;
    let timed = locked.escrow.expire(tx.now());
    if timed == Timed::Done {
        give_up_reservation(tx, locked, Actor::System, Event::Expired, None).await?;
    }
    Ok(timed)
}

/// Stores a deal that has just been cancelled, and gives its listing back.
pub(super) async fn give_up_reservation(
    tx: &mut Tx,
    locked: Locked,
    actor: Actor,
    event: Event,
    reason: Option<&str>,
) -> Result<Escrow> {
    let Locked { mut listing, mut escrow, from } = locked;
    let listing_was = listing.status;
    if listing.give_back(false) {
        listing.save(tx, actor, listing_was, Some("the deal was not paid")).await?;
    }
    escrow.save(tx, actor, event, from, reason).await?;
    announce(tx, &escrow, event).await?;
    Ok(escrow)
}

impl Escrow {
    fn expire(&mut self, now: DateTime<Utc>) -> Timed {
        match self.status {
            EscrowStatus::PendingPayment if now < self.pay_by => Timed::NotBefore(self.pay_by),
            EscrowStatus::PendingPayment => {
                self.cancel(CloseReason::Unpaid, now);
                Timed::Done
            }
            EscrowStatus::Paid
            | EscrowStatus::Delivered
            | EscrowStatus::Disputed
            | EscrowStatus::Confirmed
            | EscrowStatus::Refunded
            | EscrowStatus::Cancelled => Timed::AlreadyDone,
        }
    }

    /// Ends a deal that never held money.
    pub(super) fn cancel(&mut self, why: CloseReason, now: DateTime<Utc>) {
        self.status = EscrowStatus::Cancelled;
        self.close_reason = Some(why);
        self.closed_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{START, hours, sample};
    use super::*;

    #[test]
    fn an_unpaid_deal_expires_when_its_window_closes() {
        let mut escrow = Escrow { pay_by: hours(1), ..sample(EscrowStatus::PendingPayment) };
        assert_eq!(escrow.expire(START), Timed::NotBefore(hours(1)));
        assert_eq!(escrow.status, EscrowStatus::PendingPayment);
        assert_eq!(escrow.expire(hours(1)), Timed::Done);
        assert_eq!(
            (escrow.status, escrow.close_reason, escrow.closed_at),
            (EscrowStatus::Cancelled, Some(CloseReason::Unpaid), Some(hours(1)))
        );
        assert_eq!(escrow.expire(hours(2)), Timed::AlreadyDone);
    }

    #[test]
    fn a_deal_with_money_does_not_expire() {
        for status in
            EscrowStatus::ALL.iter().filter(|status| **status != EscrowStatus::PendingPayment)
        {
            let mut escrow = sample(*status);
            assert_eq!(escrow.expire(hours(1000)), Timed::AlreadyDone, "{status}");
            assert_eq!(escrow.status, *status);
        }
    }
}
