//! The buyer pays a reserved listing from the balance.

use chrono::{DateTime, Utc};

use super::fund::fund_waiting;
use super::model::{Escrow, EscrowStatus, Locked, Side, lock};
use crate::error::Result;
use crate::ids::{EscrowId, UserId};
use crate::{App, Outcome, Tx};

/// Pays a deal that waits for money from its buyer's balance. A repeat finds it paid. A provider's money that still
/// comes stays on the balance.
///
/// # Errors
/// `NOT_FOUND` for strangers, `PERMISSION_DENIED` for the seller, `INVALID_STATE` after `pay_by` and after the end,
/// `INSUFFICIENT_FUNDS`.
pub async fn pay(tx: &mut Tx, app: &App, buyer: UserId, id: EscrowId) -> Result<Escrow> {
    let locked = lock(tx, id).await?;
    match locked.escrow.may_be_paid_by(buyer)? {
        Outcome::Done => pay_from_balance(tx, app, locked).await,
        Outcome::AlreadyDone => Ok(locked.escrow),
    }
}

/// Pays a locked deal that waits for money from its buyer's balance, while its window is open.
pub(super) async fn pay_from_balance(tx: &mut Tx, app: &App, locked: Locked) -> Result<Escrow> {
    locked.escrow.is_in_time(tx.now())?;
    fund_waiting(tx, app, locked).await
}

impl Escrow {
    fn may_be_paid_by(&self, buyer: UserId) -> Result<Outcome> {
        self.require(Side::Buyer, buyer)?;
        match self.status {
            EscrowStatus::PendingPayment => Ok(Outcome::Done),
            EscrowStatus::Paid
            | EscrowStatus::Delivered
            | EscrowStatus::Disputed
            | EscrowStatus::Confirmed => Ok(Outcome::AlreadyDone),
            EscrowStatus::Refunded | EscrowStatus::Cancelled => Err(self.refused()),
        }
    }

    fn is_in_time(&self, now: DateTime<Utc>) -> Result<()> {
        if now < self.pay_by { Ok(()) } else { Err(self.refused()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{START, hours, sample};
    use super::*;
    use crate::Code;

    #[test]
    fn only_what_waits_is_paid_by_its_buyer_and_in_time() {
        use EscrowStatus::{
            Cancelled, Confirmed, Delivered, Disputed, Paid, PendingPayment, Refunded,
        };
        for (status, outcome) in [
            (PendingPayment, Some(Outcome::Done)),
            (Paid, Some(Outcome::AlreadyDone)),
            (Delivered, Some(Outcome::AlreadyDone)),
            (Disputed, Some(Outcome::AlreadyDone)),
            (Confirmed, Some(Outcome::AlreadyDone)),
            (Refunded, None),
            (Cancelled, None),
        ] {
            let escrow = sample(status);
            assert_eq!(escrow.may_be_paid_by(escrow.buyer_id).ok(), outcome, "{status}");
            let seller = escrow.may_be_paid_by(escrow.seller_id).expect_err("the seller");
            assert_eq!(seller.code(), Code::PermissionDenied);
        }
        let escrow = Escrow { pay_by: hours(1), ..sample(PendingPayment) };
        assert!(escrow.is_in_time(START).is_ok());
        assert_eq!(escrow.is_in_time(hours(1)).expect_err("late").code(), Code::InvalidState);
    }
}
