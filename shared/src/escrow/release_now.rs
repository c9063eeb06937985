//! The buyer is content and does not make the seller wait.

use chrono::{DateTime, Utc};

use super::model::{CloseReason, Escrow, EscrowStatus, Event, Side, lock};
use super::settle::settle;
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::{EscrowId, UserId};
use crate::{Money, Outcome, Tx};

/// Pays the seller of a received deal before its window for complaints closes. A repeat finds it done.
///
/// # Errors
/// `NOT_FOUND` for strangers, `PERMISSION_DENIED` for the seller, `INVALID_STATE` before receipt and in a dispute.
pub async fn release_now(tx: &mut Tx, buyer: UserId, id: EscrowId) -> Result<Escrow> {
    let mut locked = lock(tx, id).await?;
    match locked.escrow.release_now(buyer, tx.now())? {
        Outcome::Done => settle(tx, locked, Actor::User(buyer), Event::Released, None).await,
        Outcome::AlreadyDone => Ok(locked.escrow),
    }
}

impl Escrow {
    fn release_now(&mut self, buyer: UserId, now: DateTime<Utc>) -> Result<Outcome> {
        self.require(Side::Buyer, buyer)?;
        match self.status {
            EscrowStatus::Delivered => {
                self.close(Money::ZERO, CloseReason::Released, now)?;
                Ok(Outcome::Done)
            }
            EscrowStatus::Confirmed if self.close_reason == Some(CloseReason::Released) => {
                Ok(Outcome::AlreadyDone)
            }
            EscrowStatus::PendingPayment
            | EscrowStatus::Paid
            | EscrowStatus::Disputed
            | EscrowStatus::Confirmed
            | EscrowStatus::Refunded
            | EscrowStatus::Cancelled => Err(self.refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{assert_adds_up, hours, sample};
    use super::*;
    use crate::Code;

    #[test]
    fn only_the_buyer_of_a_received_deal_pays_early_and_once() {
        for status in EscrowStatus::ALL {
            let mut escrow = sample(*status);
            let (buyer, seller) = (escrow.buyer_id, escrow.seller_id);
            let theirs = escrow.release_now(seller, hours(3)).expect_err("the seller");
            assert_eq!(theirs.code(), Code::PermissionDenied);
            let released = escrow.release_now(buyer, hours(3));
            if *status == EscrowStatus::Delivered {
                assert_eq!(released.expect("received"), Outcome::Done);
                assert_eq!(escrow.status, EscrowStatus::Confirmed);
                assert_adds_up(&escrow);
                let again = escrow.release_now(buyer, hours(4)).expect("a repeat");
                assert_eq!(again, Outcome::AlreadyDone);
            } else {
                let refused = released.expect_err("not received");
                assert_eq!((refused.code(), escrow.status), (Code::InvalidState, *status));
            }
        }
    }
}
