//! Nothing was handed over for too long: the buyer gets the money back.

use chrono::{DateTime, Utc};

use super::model::{CloseReason, Escrow, EscrowStatus, Event, lock};
use super::settle::settle;
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::EscrowId;
use crate::{Timed, Tx};

/// Refunds a paid deal whose seller handed nothing over in time. The timer's command.
///
/// # Errors
/// The database's.
pub async fn refund_undelivered(tx: &mut Tx, id: EscrowId) -> Result<Timed> {
    let mut locked = lock(tx, id).await?;
    let timed = locked.escrow.refund_undelivered(tx.now())?;
    if timed == Timed::Done {
        settle(tx, locked, Actor::System, Event::Refunded, Some("nothing was handed over in time"))
            .await?;
    }
    Ok(timed)
}

impl Escrow {
    fn refund_undelivered(&mut self, now: DateTime<Utc>) -> Result<Timed> {
        match (self.status, self.handed_over_at, self.refund_after) {
            (EscrowStatus::Paid, None, Some(refund_after)) if now < refund_after => {
                Ok(Timed::NotBefore(refund_after))
            }
            (EscrowStatus::Paid, None, Some(_)) => {
                self.close(self.amount, CloseReason::Undelivered, now)?;
                Ok(Timed::Done)
            }
            (
                EscrowStatus::PendingPayment
                | EscrowStatus::Paid
                | EscrowStatus::Delivered
                | EscrowStatus::Disputed
                | EscrowStatus::Confirmed
                | EscrowStatus::Refunded
                | EscrowStatus::Cancelled,
                _,
                _,
            ) => Ok(Timed::AlreadyDone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{assert_adds_up, handed_over, hours, sample};
    use super::*;

    #[test]
    fn the_buyer_is_refunded_when_nothing_came() {
        let mut escrow = sample(EscrowStatus::Paid);
        assert_eq!(
            escrow.refund_undelivered(hours(71)).expect("early"),
            Timed::NotBefore(hours(72))
        );
        assert_eq!(escrow.refund_undelivered(hours(72)).expect("due"), Timed::Done);
        assert_eq!((escrow.status, escrow.buyer_refund), (EscrowStatus::Refunded, escrow.amount));
        assert_eq!(escrow.close_reason, Some(CloseReason::Undelivered));
        assert_adds_up(&escrow);
        assert_eq!(escrow.refund_undelivered(hours(73)).expect("a repeat"), Timed::AlreadyDone);
    }

    #[test]
    fn the_timer_leaves_every_other_deal_alone() {
        let others = EscrowStatus::ALL
            .iter()
            .filter(|status| **status != EscrowStatus::Paid)
            .map(|status| sample(*status));
        for mut escrow in others.chain([handed_over()]) {
            let before = escrow.status;
            assert_eq!(
                escrow.refund_undelivered(hours(1000)).expect("no error"),
                Timed::AlreadyDone,
                "{before}"
            );
            assert_eq!(escrow.status, before);
        }
    }
}
