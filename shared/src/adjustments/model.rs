//! The row of a correction, and the steps it may take.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use crate::accounts::User;
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result};
use crate::ids::{AdjustmentId, TransactionId, UserId};
use crate::ledger::{self, Account, Posting};
use crate::payments::{Transaction, TransactionType};
use crate::schema::adjustments;
use crate::text_enum::text_enum;
use crate::{Money, Outcome, Tx};

text_enum! {
    /// Where a correction is.
    AdjustmentStatus {
        /// A second person has to decide.
        Proposed = "proposed",
        /// Posted. Final.
        Approved = "approved",
        /// Nothing was posted. Final.
        Rejected = "rejected",
    }
}

/// A correction of a person's balance.
#[derive(Clone, Debug, HasQuery, Identifiable, Insertable, AsChangeset)]
#[diesel(table_name = adjustments, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct Adjustment {
    /// Its id.
    pub id: AdjustmentId,
    /// Whose balance.
    pub user_id: UserId,
    /// Positive gives, negative takes.
    pub amount: Money,
    /// Why: for staff.
    pub reason: String,
    /// What it belongs to outside, such as a support case.
    pub reference: String,
    /// Where it is.
    pub status: AdjustmentStatus,
    /// A second person decides.
    pub needs_review: bool,
    /// Who wants it.
    pub proposed_by: UserId,
    /// Who decided.
    pub decided_by: Option<UserId>,
    /// With which words.
    pub decision_note: String,
    /// Decided at.
    pub decided_at: Option<DateTime<Utc>>,
    /// The movement in the person's history.
    pub transaction_id: Option<TransactionId>,
    /// Proposed at.
    pub created_at: DateTime<Utc>,
    /// Changed at.
    pub updated_at: DateTime<Utc>,
}

impl Adjustment {
    /// The amount without its sign.
    pub(super) fn size(amount: Money) -> Money {
        if amount.is_positive() { amount } else { -amount }
    }

    /// Somebody decides. The same decision by the same person again finds it made.
    pub(super) fn decide(
        &mut self,
        by: UserId,
        decision: AdjustmentStatus,
        now: DateTime<Utc>,
    ) -> Result<Outcome> {
        let approves = decision == AdjustmentStatus::Approved;
        if by == self.user_id || (approves && self.needs_review && by == self.proposed_by) {
            return Err(Error::new(Code::PermissionDenied));
        }
        if self.status == decision && self.decided_by == Some(by) {
            return Ok(Outcome::AlreadyDone);
        }
        if self.status != AdjustmentStatus::Proposed {
            return Err(Error::invalid_state(self.status.as_str()));
        }
        self.status = decision;
        self.decided_by = Some(by);
        self.decided_at = Some(now);
        self.updated_at = now;
        Ok(Outcome::Done)
    }

    /// The movement as its owner sees it.
    pub(super) fn booking(&self, now: DateTime<Utc>) -> Transaction {
        let kind = if self.amount.is_positive() {
            TransactionType::Refund
        } else {
            TransactionType::Commission
        };
        Transaction {
            description: format!("Correction {}", self.reference).trim_end().to_owned(),
            metadata: json!({ "adjustment_id": self.id }),
            ..Transaction::completed(kind, self.user_id, Self::size(self.amount), now)
        }
    }

    /// The movement of money.
    pub(super) fn posting(&self, by: UserId) -> Posting {
        Posting::new(format!("adjustment:{}", self.id), "adjustment", Actor::Staff(by))
            .leg(Account::Available(self.user_id), self.amount)
            .leg(Account::Adjustment, -self.amount)
    }

    /// Stores a new row.
    pub(super) async fn insert(&self, tx: &mut Tx) -> Result<()> {
        diesel::insert_into(adjustments::table).values(self).execute(tx.conn()).await?;
        Ok(())
    }

    /// Locks the row to the end of the transaction.
    pub(super) async fn lock(tx: &mut Tx, id: AdjustmentId) -> Result<Self> {
        let row = Self::query().filter(adjustments::id.eq(id)).for_no_key_update();
        Ok(row.first(tx.conn()).await?)
    }

    /// Stores a locked row that was decided about, with all that follows: the person's transaction and the money.
    pub(super) async fn carry_out(&mut self, tx: &mut Tx, by: UserId) -> Result<()> {
        if self.status == AdjustmentStatus::Approved {
            User::hold_unclosed(tx, self.user_id).await?;
            let booking = self.booking(tx.now());
            booking.insert(tx).await?;
            self.transaction_id = Some(booking.id);
        }
        diesel::update(&*self).set(&*self).execute(tx.conn()).await?;
        if self.status == AdjustmentStatus::Approved {
            ledger::open_account(tx, Account::Available(self.user_id)).await?;
            if ledger::post(tx, &self.posting(by)).await? == Outcome::AlreadyDone {
                return Err(Error::internal(format!("adjustment {} was posted before", self.id)));
            }
        }
        let action = match self.status {
            AdjustmentStatus::Proposed => "adjustment.propose",
            AdjustmentStatus::Approved => "adjustment.approve",
            AdjustmentStatus::Rejected => "adjustment.reject",
        };
        self.tell(tx, by, action).await
    }

    /// Writes a step to the log and to the audit log.
    pub(super) async fn tell(&self, tx: &mut Tx, by: UserId, action: &str) -> Result<()> {
        tracing::warn!(target: "payments", action, adjustment = %self.id, user = %self.user_id, amount = %self.amount, %by, needs_review = self.needs_review, "{action}");
        let details = json!({
            "user_id": self.user_id, "amount": self.amount, "reason": self.reason, "reference": self.reference,
            "needs_review": self.needs_review, "note": self.decision_note,
        });
        let object = ("adjustment", self.id.to_string());
        audit::record(tx, Actor::Staff(by), action, object, details).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(amount: Money, needs_review: bool) -> Adjustment {
        let now = DateTime::UNIX_EPOCH;
        Adjustment {
            id: AdjustmentId::new(),
            user_id: UserId::new(),
            amount,
            reason: "double charge".to_owned(),
            reference: "case 7".to_owned(),
            status: AdjustmentStatus::Proposed,
            needs_review,
            proposed_by: UserId::new(),
            decided_by: None,
            decision_note: String::new(),
            decided_at: None,
            transaction_id: None,
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn a_large_correction_needs_a_second_person_and_nobody_corrects_their_own_balance() {
        let now = DateTime::UNIX_EPOCH;
        let code = |row: &Adjustment, by, decision| {
            row.clone().decide(by, decision, now).err().map(|error| error.code())
        };
        let large = sample(Money::from_soum(5), true);
        let denied = Some(Code::PermissionDenied);
        assert_eq!(code(&large, large.proposed_by, AdjustmentStatus::Approved), denied);
        assert_eq!(code(&large, large.user_id, AdjustmentStatus::Approved), denied);
        assert_eq!(code(&large, large.user_id, AdjustmentStatus::Rejected), denied);
        assert_eq!(code(&large, large.proposed_by, AdjustmentStatus::Rejected), None, "taken back");
        assert_eq!(code(&large, UserId::new(), AdjustmentStatus::Approved), None);
        let small = sample(Money::from_soum(5), false);
        assert_eq!(code(&small, small.proposed_by, AdjustmentStatus::Approved), None);
    }

    #[test]
    fn a_decision_is_made_once() {
        let now = DateTime::UNIX_EPOCH;
        let (mut row, second) = (sample(Money::from_soum(5), true), UserId::new());
        assert_eq!(row.decide(second, AdjustmentStatus::Approved, now).ok(), Some(Outcome::Done));
        let again = row.decide(second, AdjustmentStatus::Approved, now).ok();
        assert_eq!(again, Some(Outcome::AlreadyDone));
        for (by, decision) in
            [(second, AdjustmentStatus::Rejected), (UserId::new(), AdjustmentStatus::Approved)]
        {
            let refused = row.decide(by, decision, now).err().map(|error| error.code());
            assert_eq!(refused, Some(Code::InvalidState));
        }
    }

    #[test]
    fn the_history_shows_a_positive_amount_and_the_ledger_a_balanced_one() {
        let now = DateTime::UNIX_EPOCH;
        for (amount, kind) in [
            (Money::from_soum(7), TransactionType::Refund),
            (-Money::from_soum(7), TransactionType::Commission),
        ] {
            let row = sample(amount, false);
            let booking = row.booking(now);
            assert_eq!((booking.kind, booking.amount), (kind, Money::from_soum(7)));
            assert_eq!((booking.escrow_id, booking.payment_method_id), (None, None));
            assert_eq!(booking.description, "Correction case 7");
            let posting = row.posting(row.proposed_by);
            assert_eq!(
                posting.legs(),
                [(Account::Available(row.user_id), amount), (Account::Adjustment, -amount)]
            );
        }
    }
}
