//! The window for complaints has closed: the seller is paid.

use chrono::{DateTime, Utc};

use super::model::{CloseReason, Escrow, EscrowStatus, Event, lock};
use super::settle::settle;
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::EscrowId;
use crate::{Money, Timed, Tx};

/// Pays the seller and takes the commission. A dispute, or an earlier run, leaves nothing to do. The timer's command.
///
/// # Errors
/// The database's.
pub async fn release(tx: &mut Tx, id: EscrowId) -> Result<Timed> {
    let mut locked = lock(tx, id).await?;
    let timed = locked.escrow.release(tx.now())?;
    if timed == Timed::Done {
        settle(tx, locked, Actor::System, Event::Released, None).await?;
    }
    Ok(timed)
}

impl Escrow {
    fn release(&mut self, now: DateTime<Utc>) -> Result<Timed> {
        match (self.status, self.release_at) {
            (EscrowStatus::Delivered, Some(release_at)) if now < release_at => {
                Ok(Timed::NotBefore(release_at))
            }
            (EscrowStatus::Delivered, Some(_)) => {
                self.close(Money::ZERO, CloseReason::Released, now)?;
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
            ) => Ok(Timed::AlreadyDone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{assert_adds_up, hours, sample};
    use super::*;

    #[test]
    fn the_seller_is_paid_once_when_the_window_closes() {
        let mut escrow = sample(EscrowStatus::Delivered);
        assert_eq!(escrow.release(hours(25)).expect("early"), Timed::NotBefore(hours(26)));
        assert_eq!(escrow.status, EscrowStatus::Delivered);
        assert_eq!(escrow.release(hours(26)).expect("due"), Timed::Done);
        assert_eq!(
            (escrow.status, escrow.seller_paid_at),
            (EscrowStatus::Confirmed, Some(hours(26)))
        );
        assert_eq!(escrow.close_reason, Some(CloseReason::Released));
        assert_adds_up(&escrow);
        assert_eq!(escrow.release(hours(27)).expect("a repeat"), Timed::AlreadyDone);
    }

    #[test]
    fn nothing_else_is_released_by_the_timer() {
        for status in EscrowStatus::ALL.iter().filter(|status| **status != EscrowStatus::Delivered)
        {
            let mut escrow = sample(*status);
            assert_eq!(
                escrow.release(hours(1000)).expect("no error"),
                Timed::AlreadyDone,
                "{status}"
            );
            assert_eq!(escrow.status, *status);
        }
    }
}
