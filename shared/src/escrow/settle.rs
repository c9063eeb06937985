//! Ending a deal whose money is held. Every way out comes through here, under one business key, so that a deal cannot
//! be paid out twice, nor refunded and paid out.

use chrono::{DateTime, Utc};

use super::announce::announce;
use super::jobs::CountSettledDeal;
use super::model::{CloseReason, Escrow, EscrowStatus, Event, Locked};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::jobs::enqueue;
use crate::ledger::{self, Account, Posting};
use crate::listings::Listing;
use crate::payments::{self, Transaction, TransactionType};
use crate::switches::{self, Switch};
use crate::{Money, Outcome, Tx};

/// Writes all that follows from a decision that the deal already carries: deal, listing, transactions, money,
/// receipts, notices, and the job that counts it.
pub(super) async fn settle(
    tx: &mut Tx,
    locked: Locked,
    actor: Actor,
    event: Event,
    reason: Option<&str>,
) -> Result<Escrow> {
    let Locked { mut listing, mut escrow, from } = locked;
    let now = tx.now();
    let sold = escrow.status == EscrowStatus::Confirmed;
    if sold {
        // Before anything is written: the timer's job then sleeps, and its transaction is clean.
        switches::ensure_on(tx, Switch::Releases).await?;
    }
    let listing_was = listing.status;
    let moved =
        if sold { listing.sell(now) } else { listing.give_back(escrow.handed_over_at.is_some()) };
    if moved {
        listing.save(tx, actor, listing_was, Some("the deal ended")).await?;
    }
    escrow.save(tx, actor, event, from, reason).await?;
    let booked = escrow.bookings(&listing, now)?;
    for transaction in &booked {
        transaction.insert(tx).await?;
    }
    if ledger::post(tx, &escrow.settlement(actor)).await? == Outcome::AlreadyDone {
        return Err(Error::internal(format!(
            "deal {} was settled before, but its row did not say so",
            escrow.id
        )));
    }
    for transaction in &booked {
        payments::mail_receipt(tx, transaction).await?;
    }
    if sold {
        enqueue(tx, &CountSettledDeal { escrow_id: escrow.id }).await?;
    }
    announce(tx, &escrow, event).await?;
    Ok(escrow)
}

impl Escrow {
    /// The decision: `refund` goes back to the buyer, the commission is taken on what is really sold, the seller gets
    /// the rest. All of it back is a refund, anything less a sale.
    pub(super) fn close(
        &mut self,
        refund: Money,
        why: CloseReason,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let sold = self.amount.checked_sub(refund).filter(|sold| *sold >= Money::ZERO);
        let sold = sold.ok_or_else(|| {
            Error::internal(format!("deal {} cannot give back more than it holds", self.id))
        })?;
        if !refund.is_zero() {
            self.commission_amount = sold.share(self.commission_rate_bp);
            self.seller_earnings = sold
                .checked_sub(self.commission_amount)
                .ok_or_else(|| Error::internal("a share is larger than its whole"))?;
            self.buyer_refund = refund;
        }
        if sold.is_zero() {
            self.status = EscrowStatus::Refunded;
        } else {
            self.status = EscrowStatus::Confirmed;
            self.seller_paid_at = Some(now);
        }
        self.close_reason = Some(why);
        self.closed_at = Some(now);
        Ok(())
    }

    /// The movement of money that ends the deal.
    fn settlement(&self, actor: Actor) -> Posting {
        let kind = match (self.status, self.buyer_refund.is_zero()) {
            (EscrowStatus::Refunded, _) => "escrow_refund",
            (_, true) => "escrow_release",
            (_, false) => "escrow_split",
        };
        Posting::new(format!("escrow_settle:{}", self.id), kind, actor)
            .leg(Account::Escrow(self.id), -self.amount)
            .leg(Account::Available(self.seller_id), self.seller_earnings)
            .leg(Account::Commission, self.commission_amount)
            .leg(Account::Available(self.buyer_id), self.buyer_refund)
    }

    /// The same as people see it: the seller's sale and the commission on it, the buyer's refund.
    fn bookings(&self, listing: &Listing, now: DateTime<Utc>) -> Result<Vec<Transaction>> {
        let sold = self
            .amount
            .checked_sub(self.buyer_refund)
            .ok_or_else(|| Error::internal("a refund is larger than its deal"))?;
        let rows = [
            (TransactionType::Sale, self.seller_id, sold),
            (TransactionType::Commission, self.seller_id, self.commission_amount),
            (TransactionType::Refund, self.buyer_id, self.buyer_refund),
        ];
        let booked = |(kind, person, amount)| Transaction {
            description: listing.title.clone(),
            ..Transaction::completed(kind, person, amount, now).of_deal(self.id)
        };
        Ok(rows.into_iter().filter(|(_, _, amount)| amount.is_positive()).map(booked).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{START, assert_adds_up, sample};
    use super::*;
    use crate::listings::ListingStatus;
    use crate::listings::tests::sample as listing;

    fn money(text: &str) -> Money {
        Money::parse(text).expect("an amount")
    }

    fn closed(refund: &str) -> Escrow {
        let mut escrow = sample(EscrowStatus::Disputed);
        escrow.close(money(refund), CloseReason::Resolved, START).expect("closes");
        escrow
    }

    #[test]
    fn money_is_divided_without_a_rest() {
        for (refund, status, commission, earnings) in [
            ("0", EscrowStatus::Confirmed, "10000.00", "90000.00"),
            ("100000", EscrowStatus::Refunded, "0.00", "0.00"),
            ("40000", EscrowStatus::Confirmed, "6000.00", "54000.00"),
            ("99999.99", EscrowStatus::Confirmed, "0.00", "0.01"),
            ("99999.95", EscrowStatus::Confirmed, "0.01", "0.04"),
        ] {
            let escrow = closed(refund);
            assert_eq!(escrow.status, status, "{refund}");
            assert_eq!(
                (escrow.commission_amount, escrow.seller_earnings),
                (money(commission), money(earnings)),
                "{refund}"
            );
            assert_eq!(escrow.seller_paid_at.is_some(), status == EscrowStatus::Confirmed);
            assert_eq!(
                (escrow.closed_at, escrow.close_reason),
                (Some(START), Some(CloseReason::Resolved))
            );
            assert_adds_up(&escrow);
        }
        let mut escrow = sample(EscrowStatus::Disputed);
        assert!(
            escrow.close(money("100000.01"), CloseReason::Resolved, START).is_err(),
            "more than it holds"
        );
        assert_eq!(escrow.status, EscrowStatus::Disputed);
    }

    #[test]
    fn a_release_keeps_the_commission_that_was_agreed() {
        let mut escrow = Escrow {
            commission_amount: money("9999.99"),
            seller_earnings: money("90000.01"),
            ..sample(EscrowStatus::Delivered)
        };
        escrow.close(Money::ZERO, CloseReason::Released, START).expect("closes");
        assert_eq!(escrow.commission_amount, money("9999.99"));
        assert_adds_up(&escrow);
    }

    #[test]
    fn every_settlement_sums_to_zero_under_one_key() {
        for (refund, kinds) in [
            ("0", vec![TransactionType::Sale, TransactionType::Commission]),
            ("100000", vec![TransactionType::Refund]),
            (
                "40000",
                vec![TransactionType::Sale, TransactionType::Commission, TransactionType::Refund],
            ),
            ("99999.99", vec![TransactionType::Sale, TransactionType::Refund]),
        ] {
            let escrow = closed(refund);
            let posting = escrow.settlement(Actor::System);
            assert_eq!(posting.reference(), format!("escrow_settle:{}", escrow.id));
            let sum = posting
                .legs()
                .iter()
                .try_fold(Money::ZERO, |sum, (_, amount)| sum.checked_add(*amount));
            assert_eq!(sum, Some(Money::ZERO), "{refund}");
            let booked =
                escrow.bookings(&listing(ListingStatus::Reserved), START).expect("adds up");
            assert_eq!(booked.iter().map(|row| row.kind).collect::<Vec<_>>(), kinds, "{refund}");
            assert!(
                booked
                    .iter()
                    .all(|row| row.escrow_id == Some(escrow.id) && row.processed_at == Some(START))
            );
        }
    }
}
