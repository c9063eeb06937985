//! One of the parties calls staff: nothing moves until they decide.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::announce::announce;
use super::model::{Escrow, EscrowStatus, Event, Side, lock_alone};
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};
use crate::ids::{EscrowId, UserId};
use crate::{Outcome, Tx};

/// The longest reason.
const REASON_MAX: usize = 2_000;

/// Disputes a deal: the buyer once the account was handed over and until the seller is paid, the seller while it is
/// paid and not received. The release timer will find it disputed. A repeat by the same party finds it done.
///
/// # Errors
/// `VALIDATION_ERROR` naming `reason`; `NOT_FOUND` for strangers; `INVALID_STATE`.
pub async fn dispute(tx: &mut Tx, who: UserId, id: EscrowId, reason: &str) -> Result<Escrow> {
    let reason = reason_of(reason)?;
    let (mut escrow, from) = lock_alone(tx, id).await?;
    if escrow.dispute(who, reason, tx.now())? == Outcome::Done {
        escrow.save(tx, Actor::User(who), Event::Disputed, from, Some(reason)).await?;
        announce(tx, &escrow, Event::Disputed).await?;
    }
    Ok(escrow)
}

/// Staff stop a deal whose money is held, to decide about it. A repeat finds it done.
///
/// # Errors
/// `VALIDATION_ERROR` naming `reason`; `NOT_FOUND`; `PERMISSION_DENIED` for staff who are a party; `INVALID_STATE` when
/// no money is held.
pub async fn dispute_by_staff(
    tx: &mut Tx,
    staff: UserId,
    id: EscrowId,
    reason: &str,
) -> Result<Escrow> {
    let reason = reason_of(reason)?;
    let (mut escrow, from) = lock_alone(tx, id).await?;
    if escrow.dispute_by_staff(staff, reason, tx.now())? == Outcome::Done {
        stop(tx, &mut escrow, from, (staff, reason)).await?;
    }
    Ok(escrow)
}

/// Stores a deal that staff have just stopped.
pub(super) async fn stop(
    tx: &mut Tx,
    escrow: &mut Escrow,
    from: EscrowStatus,
    (staff, reason): (UserId, &str),
) -> Result<()> {
    let actor = Actor::Staff(staff);
    escrow.save(tx, actor, Event::Disputed, from, Some(reason)).await?;
    let details = json!({ "from": from, "reason": reason });
    audit::record(tx, actor, "escrow.dispute", ("escrow", escrow.id.to_string()), details).await?;
    announce(tx, escrow, Event::Disputed).await
}

fn reason_of(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::field("reason", texts::REQUIRED));
    }
    if reason.chars().count() > REASON_MAX {
        return Err(Error::new(Code::ValidationError).and_field(
            "reason",
            texts::TOO_LONG,
            REASON_MAX.to_string(),
        ));
    }
    Ok(reason)
}

impl Escrow {
    fn dispute(&mut self, who: UserId, reason: &str, now: DateTime<Utc>) -> Result<Outcome> {
        let side = self.side_of(who).ok_or(Code::NotFound)?;
        let allowed = match (self.status, side) {
            (EscrowStatus::Disputed, _) if self.disputed_by == Some(who) => {
                return Ok(Outcome::AlreadyDone);
            }
            (EscrowStatus::Paid, Side::Buyer) => self.handed_over_at.is_some(),
            (EscrowStatus::Paid, Side::Seller) | (EscrowStatus::Delivered, Side::Buyer) => true,
            (
                EscrowStatus::PendingPayment
                | EscrowStatus::Delivered
                | EscrowStatus::Disputed
                | EscrowStatus::Confirmed
                | EscrowStatus::Refunded
                | EscrowStatus::Cancelled,
                _,
            ) => false,
        };
        if !allowed {
            return Err(self.refused());
        }
        self.begin_dispute(who, reason, now);
        Ok(Outcome::Done)
    }

    pub(super) fn dispute_by_staff(
        &mut self,
        staff: UserId,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<Outcome> {
        self.require_impartial(staff)?;
        if self.status == EscrowStatus::Disputed {
            return Ok(Outcome::AlreadyDone);
        }
        if !self.holds_money() {
            return Err(self.refused());
        }
        self.begin_dispute(staff, reason, now);
        Ok(Outcome::Done)
    }

    /// Staff decide from now on.
    pub(super) fn begin_dispute(&mut self, who: UserId, reason: &str, now: DateTime<Utc>) {
        self.status = EscrowStatus::Disputed;
        self.disputed_at = Some(now);
        self.disputed_by = Some(who);
        self.dispute_reason = Some(reason.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{handed_over, hours, sample};
    use super::*;

    /// Whether this side may dispute the deal.
    fn may(mut escrow: Escrow, side: Side) -> bool {
        let who = if side == Side::Buyer { escrow.buyer_id } else { escrow.seller_id };
        let before = escrow.status;
        match escrow.dispute(who, "the password is wrong", hours(5)) {
            Ok(outcome) => {
                assert_eq!(outcome, Outcome::Done);
                assert_eq!(
                    (escrow.status, escrow.disputed_by, escrow.disputed_at),
                    (EscrowStatus::Disputed, Some(who), Some(hours(5)))
                );
                assert_eq!(escrow.dispute_reason.as_deref(), Some("the password is wrong"));
                true
            }
            Err(error) => {
                assert_eq!((error.code(), escrow.status), (Code::InvalidState, before));
                false
            }
        }
    }

    #[test]
    fn each_side_disputes_while_it_can_still_lose_something() {
        use EscrowStatus::{Cancelled, Confirmed, Delivered, Paid, PendingPayment, Refunded};
        assert!(may(handed_over(), Side::Buyer));
        assert!(may(sample(Delivered), Side::Buyer));
        assert!(may(handed_over(), Side::Seller));
        assert!(may(sample(Paid), Side::Seller));
        assert!(
            !may(sample(Paid), Side::Buyer),
            "before the hand-over the buyer waits, then cancels"
        );
        assert!(!may(sample(Delivered), Side::Seller));
        for status in [PendingPayment, Confirmed, Refunded, Cancelled] {
            assert!(!may(sample(status), Side::Buyer), "{status}");
            assert!(!may(sample(status), Side::Seller), "{status}");
        }
    }

    #[test]
    fn a_repeat_is_the_same_dispute_and_the_other_side_comes_too_late() {
        let mut escrow = sample(EscrowStatus::Disputed);
        let (buyer, seller) = (escrow.buyer_id, escrow.seller_id);
        assert_eq!(
            escrow.dispute(buyer, "again", hours(9)).expect("a repeat"),
            Outcome::AlreadyDone
        );
        assert_eq!(
            escrow.dispute_reason.as_deref(),
            Some("the password is wrong"),
            "the first words count"
        );
        assert_eq!(
            escrow.dispute(seller, "no", hours(9)).expect_err("late").code(),
            Code::InvalidState
        );
        assert_eq!(
            escrow.dispute(UserId::new(), "hm", hours(9)).expect_err("a stranger").code(),
            Code::NotFound
        );
    }

    #[test]
    fn a_reason_has_words_and_a_limit() {
        assert_eq!(reason_of(" wrong password ").expect("words"), "wrong password");
        for bad in [String::new(), "  ".to_owned(), "я".repeat(REASON_MAX + 1)] {
            assert_eq!(reason_of(&bad).expect_err("refused").code(), Code::ValidationError);
        }
        assert!(reason_of(&"я".repeat(REASON_MAX)).is_ok());
    }
}
