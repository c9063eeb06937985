//! The seller gives up: the buyer gets everything back.

use chrono::{DateTime, Utc};

use super::model::{CloseReason, Escrow, EscrowStatus, Event, Side, lock};
use super::settle::settle;
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::{EscrowId, UserId};
use crate::{Outcome, Tx};

/// Ends a paid deal by its seller's wish. A repeat finds it done.
///
/// # Errors
/// `NOT_FOUND` for strangers, `PERMISSION_DENIED` for the buyer, `INVALID_STATE` before payment and after receipt.
pub async fn give_up(tx: &mut Tx, seller: UserId, id: EscrowId, reason: &str) -> Result<Escrow> {
    let mut locked = lock(tx, id).await?;
    match locked.escrow.give_up(seller, tx.now())? {
        Outcome::Done => {
            settle(tx, locked, Actor::User(seller), Event::Refunded, Some(reason)).await
        }
        Outcome::AlreadyDone => Ok(locked.escrow),
    }
}

impl Escrow {
    fn give_up(&mut self, seller: UserId, now: DateTime<Utc>) -> Result<Outcome> {
        self.require(Side::Seller, seller)?;
        match self.status {
            EscrowStatus::Paid => {
                self.close(self.amount, CloseReason::SellerCancelled, now)?;
                Ok(Outcome::Done)
            }
            EscrowStatus::Refunded if self.close_reason == Some(CloseReason::SellerCancelled) => {
                Ok(Outcome::AlreadyDone)
            }
            EscrowStatus::PendingPayment
            | EscrowStatus::Delivered
            | EscrowStatus::Disputed
            | EscrowStatus::Confirmed
            | EscrowStatus::Refunded
            | EscrowStatus::Cancelled => Err(self.refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{assert_adds_up, handed_over, hours, sample};
    use super::*;
    use crate::Code;

    #[test]
    fn a_seller_gives_a_paid_deal_up_once() {
        for mut escrow in [sample(EscrowStatus::Paid), handed_over()] {
            let seller = escrow.seller_id;
            assert_eq!(escrow.give_up(seller, hours(5)).expect("paid"), Outcome::Done);
            assert_eq!(
                (escrow.status, escrow.buyer_refund),
                (EscrowStatus::Refunded, escrow.amount)
            );
            assert_adds_up(&escrow);
            assert_eq!(escrow.give_up(seller, hours(6)).expect("a repeat"), Outcome::AlreadyDone);
        }
    }

    #[test]
    fn no_other_deal_is_given_up() {
        for status in EscrowStatus::ALL.iter().filter(|status| **status != EscrowStatus::Paid) {
            let mut escrow = sample(*status);
            let seller = escrow.seller_id;
            assert_eq!(
                escrow.give_up(seller, hours(5)).expect_err("refused").code(),
                Code::InvalidState,
                "{status}"
            );
            assert_eq!(escrow.status, *status);
        }
    }

    #[test]
    fn only_the_seller_gives_up() {
        let mut escrow = sample(EscrowStatus::Paid);
        let buyer = escrow.buyer_id;
        assert_eq!(
            escrow.give_up(buyer, hours(5)).expect_err("the buyer").code(),
            Code::PermissionDenied
        );
        assert_eq!(
            escrow.give_up(UserId::new(), hours(5)).expect_err("a stranger").code(),
            Code::NotFound
        );
    }
}
