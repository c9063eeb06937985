//! The row of a deal, who may touch it, and its history.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::audit::Actor;
use crate::error::{Code, Error, OnConstraint as _, Result};
use crate::ids::{EscrowId, ListingId, UserId};
use crate::listings::Listing;
use crate::schema::{escrow_status_history, escrows};
use crate::text_enum::text_enum;
use crate::{Money, Tx};

text_enum! {
    /// Where a deal is.
    EscrowStatus {
        /// The listing is reserved; the provider's money is awaited.
        PendingPayment = "pending_payment",
        /// The money is held. With `handed_over_at` the buyer can read the credentials.
        Paid = "paid",
        /// The buyer has the account; the seller is paid when the window for complaints closes.
        Delivered = "delivered",
        /// The seller was paid. Final.
        Confirmed = "confirmed",
        /// Staff decide.
        Disputed = "disputed",
        /// The buyer got everything back. Final.
        Refunded = "refunded",
        /// Never paid. Final.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// Why a deal ended.
    CloseReason {
        /// The window for complaints closed without one.
        Released = "released",
        /// Staff paid the seller early.
        CompletedByStaff = "completed_by_staff",
        /// Staff gave the money back.
        RefundedByStaff = "refunded_by_staff",
        /// Staff decided a dispute.
        Resolved = "resolved",
        /// The seller gave up.
        SellerCancelled = "seller_cancelled",
        /// The buyer gave up, in time.
        BuyerCancelled = "buyer_cancelled",
        /// Nothing was handed over in time.
        Undelivered = "undelivered",
        /// The money never came.
        Unpaid = "unpaid",
        /// Staff blocked the listing before the money came.
        ListingBlocked = "listing_blocked",
    }
}

text_enum! {
    /// A step of a deal, as its history names it.
    Event {
        Opened = "opened",
        Paid = "paid",
        HandedOver = "handed_over",
        Received = "received",
        CountedAsReceived = "counted_as_received",
        Released = "released",
        Disputed = "disputed",
        Completed = "completed",
        Refunded = "refunded",
        Resolved = "resolved",
        Cancelled = "cancelled",
        CancelAsked = "cancel_asked",
        Withdrawn = "withdrawn",
        Expired = "expired",
    }
}

/// A party of a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who pays.
    Buyer,
    /// Who is paid.
    Seller,
}

/// A deal: one listing, one buyer, one seller. The money is the ledger's account `escrow:<id>`.
#[derive(Clone, Debug, HasQuery, Identifiable, Insertable, AsChangeset)]
#[diesel(table_name = escrows, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct Escrow {
    /// Its id.
    pub id: EscrowId,
    /// What is sold.
    pub listing_id: ListingId,
    /// Who pays.
    pub buyer_id: UserId,
    /// Who is paid.
    pub seller_id: UserId,
    /// The price at the moment the deal was made.
    pub amount: Money,
    /// The seller's rate at that moment.
    pub commission_rate_bp: i32,
    /// What the platform keeps.
    pub commission_amount: Money,
    /// What the seller gets.
    pub seller_earnings: Money,
    /// What the buyer got back.
    pub buyer_refund: Money,
    /// Where it is.
    pub status: EscrowStatus,
    /// Unpaid by then, it is cancelled.
    pub pay_by: DateTime<Utc>,
    /// Paid at.
    pub paid_at: Option<DateTime<Utc>>,
    /// Nothing handed over by then, the buyer may cancel.
    pub deliver_by: Option<DateTime<Utc>>,
    /// Nothing handed over by then, the buyer is refunded.
    pub refund_after: Option<DateTime<Utc>>,
    /// The seller handed the account over at.
    pub handed_over_at: Option<DateTime<Utc>>,
    /// The buyer silent by then, it counts as received.
    pub receive_by: Option<DateTime<Utc>>,
    /// Received at, by the buyer's word or by their silence.
    pub buyer_confirmed_at: Option<DateTime<Utc>>,
    /// The seller is paid then.
    pub release_at: Option<DateTime<Utc>>,
    /// The seller was paid at.
    pub seller_paid_at: Option<DateTime<Utc>>,
    /// Staff paid the seller early at.
    pub admin_released_at: Option<DateTime<Utc>>,
    /// Disputed at.
    pub disputed_at: Option<DateTime<Utc>>,
    /// By whom.
    pub disputed_by: Option<UserId>,
    /// With which words.
    pub dispute_reason: Option<String>,
    /// Who decided.
    pub dispute_resolved_by: Option<UserId>,
    /// With which words.
    pub dispute_resolution: Option<String>,
    /// Why it ended.
    pub close_reason: Option<CloseReason>,
    /// Ended at.
    pub closed_at: Option<DateTime<Utc>>,
    /// Made at.
    pub created_at: DateTime<Utc>,
    /// Changed at.
    pub updated_at: DateTime<Utc>,
    /// The buyer wished to cancel at; the hand-over overrules it.
    pub cancel_asked_at: Option<DateTime<Utc>>,
    /// In the counters of both people since.
    pub counted_at: Option<DateTime<Utc>>,
}

impl Escrow {
    /// Which party this person is.
    #[must_use]
    pub fn side_of(&self, person: UserId) -> Option<Side> {
        if person == self.buyer_id {
            Some(Side::Buyer)
        } else {
            (person == self.seller_id).then_some(Side::Seller)
        }
    }

    /// Refuses everybody but one party: the other one may not, strangers see no deal.
    pub(super) fn require(&self, side: Side, person: UserId) -> Result<()> {
        match self.side_of(person) {
            Some(theirs) if theirs == side => Ok(()),
            Some(_) => Err(Error::new(Code::PermissionDenied)),
            None => Err(Error::new(Code::NotFound)),
        }
    }

    /// Refuses staff who decide about their own deal.
    pub(super) fn require_impartial(&self, staff: UserId) -> Result<()> {
        if self.side_of(staff).is_some() { Err(Error::new(Code::PermissionDenied)) } else { Ok(()) }
    }

    /// The state forbids it.
    pub(super) fn refused(&self) -> Error {
        Error::invalid_state(self.status.as_str())
    }

    /// Whether its money is held: paid, and neither paid out nor given back.
    #[must_use]
    pub fn holds_money(&self) -> bool {
        match self.status {
            EscrowStatus::Paid | EscrowStatus::Delivered | EscrowStatus::Disputed => true,
            EscrowStatus::PendingPayment
            | EscrowStatus::Confirmed
            | EscrowStatus::Refunded
            | EscrowStatus::Cancelled => false,
        }
    }

    /// Stores a new deal; the database refuses a second open one on the same listing.
    pub(super) async fn insert(&self, tx: &mut Tx) -> Result<()> {
        let inserted = diesel::insert_into(escrows::table).values(self).execute(tx.conn()).await;
        inserted
            .on_constraint("escrows_one_open_per_listing", || Error::new(Code::ListingUnavailable))
            .map(|_one| ())
    }

    /// Writes a locked deal back, and its step from `from` into the history.
    pub(super) async fn save(
        &mut self,
        tx: &mut Tx,
        actor: Actor,
        event: Event,
        from: EscrowStatus,
        reason: Option<&str>,
    ) -> Result<()> {
        self.updated_at = tx.now();
        diesel::update(escrows::table.find(self.id)).set(&*self).execute(tx.conn()).await?;
        record(tx, self, actor, event, Some(from), reason).await
    }
}

/// A deal and its listing, both locked, the listing first.
pub(super) struct Locked {
    pub(super) listing: Listing,
    pub(super) escrow: Escrow,
    /// The deal's status when it was locked.
    pub(super) from: EscrowStatus,
}

/// Locks a deal in the one order of locks: the listing, then the deal.
pub(super) async fn lock(tx: &mut Tx, id: EscrowId) -> Result<Locked> {
    let listing_id: ListingId =
        escrows::table.find(id).select(escrows::listing_id).first(tx.conn()).await?;
    let listing = Listing::lock(tx, listing_id).await?;
    let escrow =
        Escrow::query().filter(escrows::id.eq(id)).for_no_key_update().first(tx.conn()).await?;
    let from = escrow.status;
    Ok(Locked { listing, escrow, from })
}

/// Locks a deal whose listing the step leaves alone.
pub(super) async fn lock_alone(tx: &mut Tx, id: EscrowId) -> Result<(Escrow, EscrowStatus)> {
    let escrow =
        Escrow::query().filter(escrows::id.eq(id)).for_no_key_update().first(tx.conn()).await?;
    let from = escrow.status;
    Ok((escrow, from))
}

/// Writes one step of a deal's life; `from` is `None` for the first.
pub(super) async fn record(
    tx: &mut Tx,
    escrow: &Escrow,
    actor: Actor,
    event: Event,
    from: Option<EscrowStatus>,
    reason: Option<&str>,
) -> Result<()> {
    use escrow_status_history as history;
    diesel::insert_into(history::table)
        .values((
            history::escrow_id.eq(escrow.id),
            history::actor.eq(actor.to_string()),
            history::event.eq(event),
            history::from_status.eq(from.map(EscrowStatus::as_str)),
            history::to_status.eq(escrow.status),
            history::reason.eq(reason.filter(|reason| !reason.is_empty())),
        ))
        .execute(tx.conn())
        .await?;
    tracing::info!(target: "escrow", escrow = %escrow.id, actor = %actor, status = %escrow.status, "{event}");
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::settings::{Settings, Windows};

    /// The first instant of the tests' time.
    pub(in crate::escrow) const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    /// Every window of a deal, at its default.
    pub(in crate::escrow) fn windows() -> Windows {
        Settings::from_vars(std::collections::HashMap::new()).expect("development defaults").windows
    }

    pub(in crate::escrow) fn hours(hours: i64) -> DateTime<Utc> {
        START + TimeDelta::hours(hours)
    }

    /// A deal of 100,000 UZS at 10 %, paid at `START`, in this status.
    /// A delivered one was handed over after an hour and received after two.
    pub(in crate::escrow) fn sample(status: EscrowStatus) -> Escrow {
        let paid = !matches!(status, EscrowStatus::PendingPayment | EscrowStatus::Cancelled);
        let delivered = matches!(status, EscrowStatus::Delivered | EscrowStatus::Confirmed);
        let refunded = status == EscrowStatus::Refunded;
        let buyer_id = UserId::new();
        let amount = Money::from_soum(100_000);
        Escrow {
            id: EscrowId::new(),
            listing_id: ListingId::new(),
            buyer_id,
            seller_id: UserId::new(),
            amount,
            commission_rate_bp: 1000,
            commission_amount: Money::from_soum(if refunded { 0 } else { 10_000 }),
            seller_earnings: Money::from_soum(if refunded { 0 } else { 90_000 }),
            buyer_refund: if refunded { amount } else { Money::ZERO },
            status,
            pay_by: START,
            paid_at: paid.then_some(START),
            deliver_by: paid.then(|| hours(24)),
            refund_after: paid.then(|| hours(72)),
            handed_over_at: delivered.then(|| hours(1)),
            receive_by: delivered.then(|| hours(73)),
            buyer_confirmed_at: delivered.then(|| hours(2)),
            release_at: delivered.then(|| hours(26)),
            seller_paid_at: None,
            admin_released_at: None,
            disputed_at: (status == EscrowStatus::Disputed).then(|| hours(3)),
            disputed_by: (status == EscrowStatus::Disputed).then_some(buyer_id),
            dispute_reason: (status == EscrowStatus::Disputed)
                .then(|| "the password is wrong".to_owned()),
            dispute_resolved_by: None,
            dispute_resolution: None,
            close_reason: None,
            closed_at: None,
            created_at: START,
            updated_at: START,
            cancel_asked_at: None,
            counted_at: None,
        }
    }

    /// A paid deal whose seller handed over after an hour.
    pub(in crate::escrow) fn handed_over() -> Escrow {
        Escrow {
            handed_over_at: Some(hours(1)),
            receive_by: Some(hours(73)),
            ..sample(EscrowStatus::Paid)
        }
    }

    /// The deal adds up as the database demands.
    pub(in crate::escrow) fn assert_adds_up(escrow: &Escrow) {
        let parts = escrow
            .commission_amount
            .checked_add(escrow.seller_earnings)
            .and_then(|sum| sum.checked_add(escrow.buyer_refund));
        assert_eq!(parts, Some(escrow.amount));
    }

    #[test]
    fn the_other_party_may_not_and_strangers_see_nothing() {
        let escrow = sample(EscrowStatus::Paid);
        assert!(escrow.require(Side::Buyer, escrow.buyer_id).is_ok());
        assert!(escrow.require(Side::Seller, escrow.seller_id).is_ok());
        let code = |side, person| escrow.require(side, person).expect_err("refused").code();
        assert_eq!(code(Side::Buyer, escrow.seller_id), Code::PermissionDenied);
        assert_eq!(code(Side::Seller, escrow.buyer_id), Code::PermissionDenied);
        assert_eq!(code(Side::Buyer, UserId::new()), Code::NotFound);
        assert!(escrow.require_impartial(UserId::new()).is_ok());
        for party in [escrow.buyer_id, escrow.seller_id] {
            assert_eq!(
                escrow.require_impartial(party).expect_err("a party").code(),
                Code::PermissionDenied
            );
        }
    }

    #[test]
    fn money_is_held_from_payment_to_settlement() {
        let holding: Vec<EscrowStatus> = EscrowStatus::ALL
            .iter()
            .copied()
            .filter(|status| sample(*status).holds_money())
            .collect();
        assert_eq!(holding, [EscrowStatus::Paid, EscrowStatus::Delivered, EscrowStatus::Disputed]);
    }
}
