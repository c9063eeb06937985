//! The buyer's money goes into the deal.

use chrono::{DateTime, Utc};

use super::announce::announce;
use super::credentials;
use super::jobs::RefundUndeliveredEscrow;
use super::model::{Escrow, EscrowStatus, Event, Locked, lock};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::ids::EscrowId;
use crate::jobs::{after, enqueue_at};
use crate::ledger::{self, Account, Posting};
use crate::listings::Listing;
use crate::payments::{Transaction, TransactionType};
use crate::settings::Windows;
use crate::{App, Outcome, Tx};

/// Locks a deal and its listing for a payment that is about to be credited: before the transaction's own row.
///
/// # Errors
/// `NOT_FOUND`; `BUSY` when somebody holds them for too long.
pub async fn lock_for_payment(tx: &mut Tx, id: EscrowId) -> Result<()> {
    lock(tx, id).await.map(drop)
}

/// Pays a deal from a deposit that was made for it and has just been credited to the buyer's balance.
///
/// `AlreadyDone` when the deal no longer waits for money: it stays on the balance.
///
/// # Errors
/// The database's; `INSUFFICIENT_FUNDS` when the deposit was smaller than the deal.
pub async fn fund_from_deposit(tx: &mut Tx, app: &App, id: EscrowId) -> Result<Outcome> {
    let locked = lock(tx, id).await?;
    if locked.from != EscrowStatus::PendingPayment {
        tracing::info!(target: "escrow", escrow = %id, status = %locked.from, "a late payment stays on the balance");
        return Ok(Outcome::AlreadyDone);
    }
    if ledger::is_frozen(tx, locked.escrow.buyer_id).await? {
        // A refusal would roll the deposit back with it, and money that arrives is never lost.
        tracing::warn!(target: "escrow", escrow = %id, "the buyer's balance is frozen: the payment stays on it");
        return Ok(Outcome::AlreadyDone);
    }
    fund_waiting(tx, app, locked).await.map(|_escrow| Outcome::Done)
}

/// Pays a locked deal that waits for money.
pub(super) async fn fund_waiting(tx: &mut Tx, app: &App, locked: Locked) -> Result<Escrow> {
    let Locked { listing, mut escrow, from } = locked;
    escrow.pay(&app.settings.windows, tx.now())?;
    let actor = Actor::User(escrow.buyer_id);
    escrow.save(tx, actor, Event::Paid, from, None).await?;
    take_money(tx, app, &listing, &escrow).await?;
    Ok(escrow)
}

/// What follows from payment: the buyer's transaction, the money, a copy of what is sold, the timer that gives the
/// money back when nothing is handed over, and the notice to the seller.
pub(super) async fn take_money(
    tx: &mut Tx,
    app: &App,
    listing: &Listing,
    escrow: &Escrow,
) -> Result<()> {
    let refund_after =
        escrow.refund_after.ok_or_else(|| Error::internal("a paid deal has its windows"))?;
    credentials::copy(tx, &app.vault, listing, escrow.id).await?;
    let purchase = Transaction {
        description: listing.title.clone(),
        ..Transaction::completed(
            TransactionType::Purchase,
            escrow.buyer_id,
            escrow.amount,
            tx.now(),
        )
        .of_deal(escrow.id)
    };
    purchase.insert(tx).await?;
    ledger::open_account(tx, Account::Escrow(escrow.id)).await?;
    let funding = Posting::new(
        format!("escrow_fund:{}", escrow.id),
        "escrow_fund",
        Actor::User(escrow.buyer_id),
    )
    .leg(Account::Available(escrow.buyer_id), -escrow.amount)
    .leg(Account::Escrow(escrow.id), escrow.amount);
    if ledger::post(tx, &funding).await? == Outcome::AlreadyDone {
        return Err(Error::internal(format!(
            "deal {} was funded before, but its row did not say so",
            escrow.id
        )));
    }
    enqueue_at(tx, &RefundUndeliveredEscrow { escrow_id: escrow.id }, refund_after).await?;
    announce(tx, escrow, Event::Paid).await
}

impl Escrow {
    /// The money is here; the seller's windows open.
    pub(super) fn pay(&mut self, windows: &Windows, now: DateTime<Utc>) -> Result<()> {
        if self.status != EscrowStatus::PendingPayment {
            return Err(self.refused());
        }
        self.status = EscrowStatus::Paid;
        self.paid_at = Some(now);
        self.deliver_by = Some(after(now, windows.deliver_within));
        self.refund_after = Some(after(now, windows.refund_after));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{hours, sample, windows};
    use super::*;
    use crate::Code;

    #[test]
    fn only_a_waiting_deal_is_paid() {
        for status in EscrowStatus::ALL {
            let mut escrow = sample(*status);
            let paid = escrow.pay(&windows(), hours(1));
            if *status == EscrowStatus::PendingPayment {
                paid.expect("waits for money");
                assert_eq!((escrow.status, escrow.paid_at), (EscrowStatus::Paid, Some(hours(1))));
                assert_eq!(
                    (escrow.deliver_by, escrow.refund_after),
                    (Some(hours(25)), Some(hours(73)))
                );
            } else {
                assert_eq!(paid.expect_err("not waiting").code(), Code::InvalidState, "{status}");
                assert_eq!(escrow.status, *status);
            }
        }
    }
}
