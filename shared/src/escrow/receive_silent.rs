//! A buyer who says nothing for long enough has received.

use chrono::{DateTime, Utc};

use super::confirm_receipt::received;
use super::model::{Escrow, EscrowStatus, Event, lock_alone};
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::EscrowId;
use crate::settings::Windows;
use crate::{Timed, Tx};

/// Counts a handed-over deal as received when its window has closed. The timer's command.
///
/// # Errors
/// The database's.
pub async fn receive_silent(tx: &mut Tx, windows: &Windows, id: EscrowId) -> Result<Timed> {
    let (mut escrow, from) = lock_alone(tx, id).await?;
    let timed = escrow.receive_silent(windows, tx.now());
    if timed == Timed::Done {
        received(tx, &mut escrow, from, Actor::System, Event::CountedAsReceived).await?;
    }
    Ok(timed)
}

impl Escrow {
    fn receive_silent(&mut self, windows: &Windows, now: DateTime<Utc>) -> Timed {
        match (self.status, self.receive_by) {
            (EscrowStatus::Paid, Some(receive_by)) if now < receive_by => {
                Timed::NotBefore(receive_by)
            }
            (EscrowStatus::Paid, Some(_)) => {
                self.receive(windows, now);
                Timed::Done
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
            ) => Timed::AlreadyDone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{handed_over, hours, sample, windows};
    use super::*;

    #[test]
    fn silence_counts_as_receipt_when_the_window_closes() {
        let mut escrow = handed_over();
        assert_eq!(escrow.receive_silent(&windows(), hours(72)), Timed::NotBefore(hours(73)));
        assert_eq!(escrow.status, EscrowStatus::Paid);
        assert_eq!(escrow.receive_silent(&windows(), hours(73)), Timed::Done);
        assert_eq!((escrow.status, escrow.release_at), (EscrowStatus::Delivered, Some(hours(97))));
        assert_eq!(escrow.receive_silent(&windows(), hours(74)), Timed::AlreadyDone);
    }

    #[test]
    fn the_timer_leaves_every_other_deal_alone() {
        for status in EscrowStatus::ALL {
            let mut escrow = sample(*status);
            assert_eq!(
                escrow.receive_silent(&windows(), hours(1000)),
                Timed::AlreadyDone,
                "{status}"
            );
            assert_eq!(escrow.status, *status);
        }
    }
}
