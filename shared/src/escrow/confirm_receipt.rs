//! The buyer says the account arrived; the seller is paid when the window for complaints closes.

use chrono::{DateTime, Utc};

use super::announce::announce;
use super::jobs::ReleaseEscrowPayment;
use super::model::{Escrow, EscrowStatus, Event, Side, lock_alone};
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::{EscrowId, UserId};
use crate::jobs::{after, enqueue_at};
use crate::settings::Windows;
use crate::{Outcome, Tx};

/// Confirms that the account of a deal arrived. A repeat finds it done.
///
/// # Errors
/// `NOT_FOUND` for strangers, `PERMISSION_DENIED` for the seller, `INVALID_STATE` before the hand-over or after the end.
pub async fn confirm_receipt(
    tx: &mut Tx,
    windows: &Windows,
    buyer: UserId,
    id: EscrowId,
) -> Result<Escrow> {
    let (mut escrow, from) = lock_alone(tx, id).await?;
    if escrow.confirm_receipt(buyer, windows, tx.now())? == Outcome::Done {
        received(tx, &mut escrow, from, Actor::User(buyer), Event::Received).await?;
    }
    Ok(escrow)
}

/// Stores a deal that has just become `delivered`, with the timer of its release and the notices.
pub(super) async fn received(
    tx: &mut Tx,
    escrow: &mut Escrow,
    from: EscrowStatus,
    actor: Actor,
    event: Event,
) -> Result<()> {
    escrow.save(tx, actor, event, from, None).await?;
    if let Some(release_at) = escrow.release_at {
        enqueue_at(tx, &ReleaseEscrowPayment { escrow_id: escrow.id }, release_at).await?;
    }
    announce(tx, escrow, event).await
}

impl Escrow {
    fn confirm_receipt(
        &mut self,
        buyer: UserId,
        windows: &Windows,
        now: DateTime<Utc>,
    ) -> Result<Outcome> {
        self.require(Side::Buyer, buyer)?;
        match self.status {
            EscrowStatus::Paid if self.handed_over_at.is_some() => {
                self.receive(windows, now);
                Ok(Outcome::Done)
            }
            EscrowStatus::Delivered | EscrowStatus::Confirmed
                if self.buyer_confirmed_at.is_some() =>
            {
                Ok(Outcome::AlreadyDone)
            }
            EscrowStatus::PendingPayment
            | EscrowStatus::Paid
            | EscrowStatus::Delivered
            | EscrowStatus::Disputed
            | EscrowStatus::Confirmed
            | EscrowStatus::Refunded
            | EscrowStatus::Cancelled => Err(self.refused()),
        }
    }

    /// Received now, by the buyer's word or by their silence.
    pub(super) fn receive(&mut self, windows: &Windows, now: DateTime<Utc>) {
        self.status = EscrowStatus::Delivered;
        self.buyer_confirmed_at = Some(now);
        self.release_at = Some(after(now, windows.release_after));
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{handed_over, hours, sample, windows};
    use super::*;
    use crate::Code;

    #[test]
    fn a_handed_over_account_is_received_once() {
        let mut escrow = handed_over();
        let buyer = escrow.buyer_id;
        assert_eq!(
            escrow.confirm_receipt(buyer, &windows(), hours(2)).expect("handed over"),
            Outcome::Done
        );
        assert_eq!(
            (escrow.status, escrow.buyer_confirmed_at, escrow.release_at),
            (EscrowStatus::Delivered, Some(hours(2)), Some(hours(26)))
        );
        assert_eq!(
            escrow.confirm_receipt(buyer, &windows(), hours(3)).expect("a repeat"),
            Outcome::AlreadyDone
        );
        assert_eq!(escrow.release_at, Some(hours(26)), "a repeat does not move the release");
        let mut escrow = sample(EscrowStatus::Confirmed);
        let buyer = escrow.buyer_id;
        assert_eq!(
            escrow.confirm_receipt(buyer, &windows(), hours(30)).expect("a late repeat"),
            Outcome::AlreadyDone
        );
    }

    #[test]
    fn nothing_is_received_that_was_not_handed_over() {
        use EscrowStatus::{Cancelled, Disputed, Paid, PendingPayment, Refunded};
        for status in [PendingPayment, Paid, Disputed, Refunded, Cancelled] {
            let mut escrow = sample(status);
            let buyer = escrow.buyer_id;
            assert_eq!(
                escrow
                    .confirm_receipt(buyer, &windows(), hours(2))
                    .expect_err("too early or too late")
                    .code(),
                Code::InvalidState,
                "{status}"
            );
            assert_eq!((escrow.status, escrow.release_at), (status, None));
        }
    }

    #[test]
    fn only_the_buyer_confirms() {
        let mut escrow = handed_over();
        let seller = escrow.seller_id;
        assert_eq!(
            escrow.confirm_receipt(seller, &windows(), hours(2)).expect_err("the seller").code(),
            Code::PermissionDenied
        );
        assert_eq!(
            escrow
                .confirm_receipt(UserId::new(), &windows(), hours(2))
                .expect_err("a stranger")
                .code(),
            Code::NotFound
        );
    }
}
