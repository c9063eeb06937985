//! Staff decide who is right, or how right each of them is.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::model::{CloseReason, Escrow, Event, lock};
use super::second_opinion::is_agreed;
use super::settle::settle;
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};
use crate::ids::{EscrowId, UserId};
use crate::text_enum::text_enum;
use crate::{Money, Outcome, Tx};

/// The longest note.
const NOTE_MAX: usize = 2_000;

text_enum! {
    /// Whose word counts.
    Winner { Buyer = "buyer", Seller = "seller" }
}

/// A decision.
#[derive(Clone, Copy, Debug)]
pub struct Resolution<'a> {
    /// Whose word counts.
    pub winner: Winner,
    /// Why.
    pub note: &'a str,
    /// Given, the money is split: this much goes back to the buyer, the rest is a sale.
    pub refund_amount: Option<Money>,
}

/// Settles a deal whose money is held by a decision. The same decision again finds it done.
/// A deal above `limit` waits for a second member of staff who decides the same.
///
/// # Errors
/// `VALIDATION_ERROR` naming `refund_amount` or `note`; `NOT_FOUND`; `PERMISSION_DENIED` for staff who are a party;
/// `INVALID_STATE` when no money is held.
pub async fn resolve_dispute(
    tx: &mut Tx,
    limit: Money,
    staff: UserId,
    id: EscrowId,
    resolution: Resolution<'_>,
) -> Result<Escrow> {
    let mut locked = lock(tx, id).await?;
    let before = locked.escrow.clone();
    match locked.escrow.resolve(staff, resolution, tx.now())? {
        Outcome::Done => {
            if !is_agreed(tx, limit, staff, &locked.escrow).await? {
                return Ok(before);
            }
            let from = locked.from;
            let escrow =
                settle(tx, locked, Actor::Staff(staff), Event::Resolved, Some(resolution.note))
                    .await?;
            let details = json!({ "from": from, "winner": resolution.winner, "refund": escrow.buyer_refund, "note": resolution.note });
            audit::record(
                tx,
                Actor::Staff(staff),
                "escrow.resolve",
                ("escrow", id.to_string()),
                details,
            )
            .await?;
            Ok(escrow)
        }
        Outcome::AlreadyDone => Ok(locked.escrow),
    }
}

impl Escrow {
    fn resolve(
        &mut self,
        staff: UserId,
        resolution: Resolution<'_>,
        now: DateTime<Utc>,
    ) -> Result<Outcome> {
        self.require_impartial(staff)?;
        let refund = self.refund_of(resolution)?;
        if self.close_reason == Some(CloseReason::Resolved) && self.buyer_refund == refund {
            return Ok(Outcome::AlreadyDone);
        }
        if !self.holds_money() {
            return Err(self.refused());
        }
        self.dispute_resolved_by = Some(staff);
        self.dispute_resolution = Some(
            if resolution.note.is_empty() { resolution.winner.as_str() } else { resolution.note }
                .to_owned(),
        );
        self.close(refund, CloseReason::Resolved, now)?;
        Ok(Outcome::Done)
    }

    /// What a decision gives back to the buyer.
    fn refund_of(&self, resolution: Resolution<'_>) -> Result<Money> {
        if resolution.note.chars().count() > NOTE_MAX {
            return Err(Error::new(Code::ValidationError).and_field(
                "note",
                texts::TOO_LONG,
                NOTE_MAX.to_string(),
            ));
        }
        let wrong = |text, limit: Money| {
            Error::new(Code::ValidationError).and_field("refund_amount", text, limit.to_string())
        };
        match (resolution.refund_amount, resolution.winner) {
            (None, Winner::Buyer) => Ok(self.amount),
            (None, Winner::Seller) => Ok(Money::ZERO),
            (Some(refund), _) if refund > self.amount => Err(wrong(texts::TOO_LARGE, self.amount)),
            (Some(refund), _) if !refund.is_positive() => {
                Err(wrong(texts::TOO_SMALL, Money::from_tiyin(1)))
            }
            (Some(refund), Winner::Seller) if refund == self.amount => {
                Err(Error::field("refund_amount", texts::INVALID))
            }
            (Some(refund), _) => Ok(refund),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::EscrowStatus;
    use super::super::model::tests::{assert_adds_up, hours, sample};
    use super::*;

    fn decision(winner: Winner, refund: Option<&str>) -> Resolution<'static> {
        Resolution {
            winner,
            note: "seen the screenshots",
            refund_amount: refund.map(|text| Money::parse(text).expect("money")),
        }
    }

    #[test]
    fn a_dispute_ends_as_staff_decide() {
        for (winner, refund, status, earnings) in [
            (Winner::Buyer, None, EscrowStatus::Refunded, "0.00"),
            (Winner::Buyer, Some("100000"), EscrowStatus::Refunded, "0.00"),
            (Winner::Seller, None, EscrowStatus::Confirmed, "90000.00"),
            (Winner::Buyer, Some("60000"), EscrowStatus::Confirmed, "36000.00"),
            (Winner::Seller, Some("0.01"), EscrowStatus::Confirmed, "89999.99"),
        ] {
            let (mut escrow, staff) = (sample(EscrowStatus::Disputed), UserId::new());
            assert_eq!(
                escrow.resolve(staff, decision(winner, refund), hours(9)).expect("held"),
                Outcome::Done
            );
            assert_eq!(
                (escrow.status, escrow.seller_earnings.to_string().as_str()),
                (status, earnings),
                "{winner} {refund:?}"
            );
            assert_eq!(
                (escrow.dispute_resolved_by, escrow.dispute_resolution.as_deref()),
                (Some(staff), Some("seen the screenshots"))
            );
            assert_adds_up(&escrow);
            assert_eq!(
                escrow.resolve(staff, decision(winner, refund), hours(10)).expect("a repeat"),
                Outcome::AlreadyDone
            );
            let other = decision(winner, Some("12345"));
            assert_eq!(
                escrow.resolve(staff, other, hours(10)).expect_err("decided otherwise").code(),
                Code::InvalidState
            );
        }
    }

    #[test]
    fn a_split_stays_inside_the_deal() {
        for (winner, refund) in [
            (Winner::Buyer, "0"),
            (Winner::Buyer, "100000.01"),
            (Winner::Seller, "0"),
            (Winner::Seller, "100000"),
        ] {
            let mut escrow = sample(EscrowStatus::Disputed);
            let refused = escrow
                .resolve(UserId::new(), decision(winner, Some(refund)), hours(9))
                .expect_err("refused");
            assert_eq!(
                (refused.code(), escrow.status),
                (Code::ValidationError, EscrowStatus::Disputed),
                "{winner} {refund}"
            );
        }
    }

    #[test]
    fn staff_decide_only_about_money_that_is_held_and_not_about_their_own() {
        use EscrowStatus::{
            Cancelled, Confirmed, Delivered, Disputed, Paid, PendingPayment, Refunded,
        };
        for status in [Paid, Delivered, Disputed] {
            let mut escrow = sample(status);
            assert_eq!(
                escrow
                    .resolve(UserId::new(), decision(Winner::Seller, None), hours(9))
                    .expect("held"),
                Outcome::Done,
                "{status}"
            );
        }
        for status in [PendingPayment, Confirmed, Refunded, Cancelled] {
            let mut escrow = sample(status);
            assert_eq!(
                escrow
                    .resolve(UserId::new(), decision(Winner::Buyer, None), hours(9))
                    .expect_err("refused")
                    .code(),
                Code::InvalidState,
                "{status}"
            );
        }
        let mut escrow = sample(Disputed);
        for party in [escrow.buyer_id, escrow.seller_id] {
            assert_eq!(
                escrow
                    .resolve(party, decision(Winner::Buyer, None), hours(9))
                    .expect_err("a party")
                    .code(),
                Code::PermissionDenied
            );
        }
        let long = "я".repeat(NOTE_MAX + 1);
        let note = Resolution { note: &long, ..decision(Winner::Buyer, None) };
        assert_eq!(
            escrow.resolve(UserId::new(), note, hours(9)).expect_err("too long").code(),
            Code::ValidationError
        );
    }
}
