//! The seller hands the account over: from now on the buyer can read the credentials.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::announce::announce;
use super::credentials::{self, Restated};
use super::jobs::ReceiveSilentEscrow;
use super::model::{Escrow, EscrowStatus, Event, Side, lock_alone};
use crate::audit::{self, Actor};
use crate::error::Result;
use crate::ids::{EscrowId, UserId};
use crate::jobs::{after, enqueue_at};
use crate::listings::CredentialsChange;
use crate::settings::Windows;
use crate::{App, Outcome, Tx};

/// Hands the account of a paid deal over, with the credentials that were sold or with what the seller says now. A repeat
/// finds it done.
///
/// # Errors
/// `NOT_FOUND` for strangers, `PERMISSION_DENIED` for the buyer, `VALIDATION_ERROR`; `INVALID_STATE` before payment or
/// after the end, and for other credentials than were handed over: what the buyer may have read is not changed.
pub async fn hand_over(
    tx: &mut Tx,
    app: &App,
    seller: UserId,
    id: EscrowId,
    change: CredentialsChange,
) -> Result<Escrow> {
    let change = change.checked()?;
    let (mut escrow, from) = lock_alone(tx, id).await?;
    match escrow.hand_over(seller, &app.settings.windows, tx.now())? {
        Outcome::Done => {
            restate(tx, app, &escrow, &change).await?;
            escrow.save(tx, Actor::User(seller), Event::HandedOver, from, None).await?;
            if let Some(receive_by) = escrow.receive_by {
                enqueue_at(tx, &ReceiveSilentEscrow { escrow_id: id }, receive_by).await?;
            }
            announce(tx, &escrow, Event::HandedOver).await?;
        }
        Outcome::AlreadyDone if change.is_empty() => {}
        Outcome::AlreadyDone => match credentials::compare(tx, &app.vault, id, &change).await? {
            Restated::Same => {}
            Restated::Differs(_) => return Err(escrow.refused()),
        },
    }
    Ok(escrow)
}

/// Seals what the seller says now for the buyer. The audit log names the fields, never what is in them.
async fn restate(
    tx: &mut Tx,
    app: &App,
    escrow: &Escrow,
    change: &CredentialsChange,
) -> Result<()> {
    if change.is_empty() {
        return Ok(());
    }
    match credentials::replace(tx, &app.vault, escrow.id, change).await? {
        Restated::Same => Ok(()),
        Restated::Differs(fields) => {
            let subject = ("escrow", escrow.id.to_string());
            let actor = Actor::User(escrow.seller_id);
            let details = json!({ "fields": fields });
            audit::record(tx, actor, "escrow.replace_credentials", subject, details).await?;
            Ok(())
        }
    }
}

impl Escrow {
    fn hand_over(
        &mut self,
        seller: UserId,
        windows: &Windows,
        now: DateTime<Utc>,
    ) -> Result<Outcome> {
        self.require(Side::Seller, seller)?;
        match (self.status, self.handed_over_at) {
            (EscrowStatus::Paid, None) => {
                self.handed_over_at = Some(now);
                self.receive_by = Some(after(now, windows.receive_within));
                Ok(Outcome::Done)
            }
            (
                EscrowStatus::Paid
                | EscrowStatus::Delivered
                | EscrowStatus::Disputed
                | EscrowStatus::Confirmed,
                Some(_),
            ) => Ok(Outcome::AlreadyDone),
            (
                EscrowStatus::PendingPayment
                | EscrowStatus::Delivered
                | EscrowStatus::Disputed
                | EscrowStatus::Confirmed
                | EscrowStatus::Refunded
                | EscrowStatus::Cancelled,
                _,
            ) => Err(self.refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{handed_over, hours, sample, windows};
    use super::*;
    use crate::Code;

    #[test]
    fn a_paid_account_is_handed_over_once() {
        let mut escrow = sample(EscrowStatus::Paid);
        let seller = escrow.seller_id;
        assert_eq!(escrow.hand_over(seller, &windows(), hours(1)).expect("paid"), Outcome::Done);
        assert_eq!(
            (escrow.status, escrow.handed_over_at, escrow.receive_by),
            (EscrowStatus::Paid, Some(hours(1)), Some(hours(73)))
        );
        assert_eq!(
            escrow.hand_over(seller, &windows(), hours(2)).expect("a repeat"),
            Outcome::AlreadyDone
        );
        assert_eq!(escrow.handed_over_at, Some(hours(1)), "the first time counts");
    }

    #[test]
    fn nothing_is_handed_over_in_any_other_state() {
        use EscrowStatus::{Cancelled, Disputed, PendingPayment, Refunded};
        for status in [PendingPayment, Disputed, Refunded, Cancelled] {
            let mut escrow = sample(status);
            let seller = escrow.seller_id;
            assert_eq!(
                escrow.hand_over(seller, &windows(), hours(1)).expect_err("not paid").code(),
                Code::InvalidState,
                "{status}"
            );
            assert_eq!(escrow.handed_over_at, None);
        }
        for status in [EscrowStatus::Delivered, EscrowStatus::Confirmed] {
            let mut escrow = sample(status);
            let seller = escrow.seller_id;
            assert_eq!(
                escrow.hand_over(seller, &windows(), hours(9)).expect("a repeat"),
                Outcome::AlreadyDone
            );
        }
    }

    #[test]
    fn only_the_seller_hands_over() {
        let mut escrow = handed_over();
        let buyer = escrow.buyer_id;
        assert_eq!(
            escrow.hand_over(buyer, &windows(), hours(1)).expect_err("the buyer").code(),
            Code::PermissionDenied
        );
        assert_eq!(
            escrow.hand_over(UserId::new(), &windows(), hours(1)).expect_err("a stranger").code(),
            Code::NotFound
        );
    }
}
