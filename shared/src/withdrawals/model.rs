//! The row of a withdrawal beside its transaction, and what may be decided from both.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::card::CardType;
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result};
use crate::ids::{TransactionId, UserId};
use crate::payments::{Transaction, TransactionType};
use crate::schema::withdrawals;
use crate::{Conn, Tx};

/// A row of `withdrawals`.
#[derive(Clone, HasQuery, Identifiable, Insertable, AsChangeset)]
#[diesel(table_name = withdrawals, primary_key(transaction_id), treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct Withdrawal {
    /// Its transaction: the withdrawal's id, and the reference of its payout.
    pub transaction_id: TransactionId,
    /// Whose money it is.
    pub user_id: UserId,
    /// Whose card it is.
    pub card_type: CardType,
    /// As it stands on the card.
    pub card_holder_name: String,
    /// `860053••••8829`.
    pub card_masked: String,
    /// Tells equal cards.
    pub card_print: Vec<u8>,
    /// Which key wraps the data key.
    pub(super) key_id: String,
    /// The wrapped data key, until it is wiped.
    pub(super) data_key: Option<Vec<u8>>,
    /// The sealed number, until it is wiped.
    pub(super) card_number: Option<Vec<u8>>,
    /// A Pro seller's: staff see it first.
    pub is_priority: bool,
    /// Not paid before.
    pub not_before: DateTime<Utc>,
    /// How many members of staff must approve it.
    pub approvals_needed: i16,
    /// The first who did.
    pub approved_by: Option<UserId>,
    /// When.
    pub approved_at: Option<DateTime<Utc>>,
    /// The second who did.
    pub second_approved_by: Option<UserId>,
    /// When.
    pub second_approved_at: Option<DateTime<Utc>>,
    /// Who refused it.
    pub rejected_by: Option<UserId>,
    /// Why.
    pub reject_reason: Option<String>,
    /// It may have been sent since then.
    pub sent_at: Option<DateTime<Utc>>,
    /// Multicard's id of the payout.
    pub provider_uuid: Option<String>,
    /// Questions in a row without an answer.
    pub unanswered: i32,
    /// What was heard last.
    pub last_answer: Option<String>,
    /// Since then nobody knows whether it was paid.
    pub outcome_unknown_at: Option<DateTime<Utc>>,
    /// The end, whatever it was.
    pub settled_at: Option<DateTime<Utc>>,
    /// Its card's number is gone since then.
    pub wiped_at: Option<DateTime<Utc>>,
    /// Asked for at.
    pub created_at: DateTime<Utc>,
    /// Changed at.
    pub updated_at: DateTime<Utc>,
}

/// Both rows, locked to the end of the transaction.
pub(super) struct Locked {
    pub transaction: Transaction,
    pub withdrawal: Withdrawal,
}

impl Locked {
    /// Locks a withdrawal.
    pub(super) async fn find(tx: &mut Tx, id: TransactionId) -> Result<Option<Self>> {
        let known = Transaction::find(tx, id).await?;
        if known.is_none_or(|row| row.kind != TransactionType::Withdrawal) {
            return Ok(None);
        }
        let transaction = Transaction::lock(tx, id).await?;
        let withdrawal = Withdrawal::query()
            .filter(withdrawals::transaction_id.eq(id))
            .for_no_key_update()
            .first(tx.conn())
            .await
            .optional()?;
        let withdrawal = withdrawal
            .ok_or_else(|| Error::internal(format!("withdrawal {id} is a transaction only")))?;
        Ok(Some(Self { transaction, withdrawal }))
    }

    /// Locks a withdrawal that must be there.
    pub(super) async fn get(tx: &mut Tx, id: TransactionId) -> Result<Self> {
        Self::find(tx, id).await?.ok_or_else(|| Error::new(Code::NotFound))
    }

    /// Stores both.
    pub(super) async fn save(&mut self, tx: &mut Tx) -> Result<()> {
        self.withdrawal.updated_at = tx.now();
        self.transaction.save(tx).await?;
        self.withdrawal.save(tx).await
    }

    /// Tells the log and the audit log of a step, such as `withdrawal.approve`, under one name. The money that it moves is
    /// told by its posting.
    pub(super) async fn tell(
        &self,
        tx: &mut Tx,
        by: Actor,
        action: &str,
        mut details: Value,
    ) -> Result<()> {
        let Transaction { id, amount, status, .. } = &self.transaction;
        tracing::info!(target: "payments", action, transaction = %id, %amount, %status, %by, %details, "{action}");
        if let Some(details) = details.as_object_mut() {
            details.insert("amount".to_owned(), json!(amount));
        }
        audit::record(tx, by, action, ("withdrawal", id.to_string()), details).await
    }

    /// What the state allows, told to the client.
    pub(super) fn refused(&self) -> Error {
        Error::invalid_state(self.transaction.status.as_str())
    }
}

impl Withdrawal {
    /// The row as it is now, not locked.
    pub(super) async fn find(conn: &mut Conn, id: TransactionId) -> Result<Option<Self>> {
        let row = Self::query().filter(withdrawals::transaction_id.eq(id)).first(conn).await;
        Ok(row.optional()?)
    }

    pub(super) async fn insert(&self, tx: &mut Tx) -> Result<()> {
        diesel::insert_into(withdrawals::table).values(self).execute(tx.conn()).await?;
        Ok(())
    }

    pub(super) async fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(self).set(self).execute(tx.conn()).await?;
        Ok(())
    }

    /// How many approvals are still missing.
    #[must_use]
    pub fn approvals_missing(&self) -> i16 {
        let given = [self.approved_by, self.second_approved_by].iter().flatten().count();
        let given = i16::try_from(given).unwrap_or(i16::MAX);
        self.approvals_needed.saturating_sub(given).max(0)
    }

    /// Whether this member of staff has approved it.
    pub(super) fn is_approved_by(&self, staff: UserId) -> bool {
        self.approved_by == Some(staff) || self.second_approved_by == Some(staff)
    }

    /// Staff decide about other people's money.
    pub(super) fn require_impartial(&self, staff: UserId) -> Result<()> {
        if self.user_id == staff { Err(Error::new(Code::PermissionDenied)) } else { Ok(()) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::Money;
    use crate::payments::TransactionStatus;

    pub(crate) fn hours(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    /// A withdrawal of 50,000.00 that waits for so many approvals.
    pub(crate) fn sample(status: TransactionStatus, approvals_needed: i16) -> Locked {
        let now = hours(0);
        let user = UserId::new();
        let transaction = Transaction {
            status,
            ..Transaction::new(TransactionType::Withdrawal, user, Money::from_soum(50_000), now)
        };
        let withdrawal = Withdrawal {
            transaction_id: transaction.id,
            user_id: user,
            card_type: CardType::Uzcard,
            card_holder_name: "ALI VALIYEV".to_owned(),
            card_masked: "860053••••8829".to_owned(),
            card_print: vec![7; 32],
            key_id: "c1".to_owned(),
            data_key: Some(vec![1]),
            card_number: Some(vec![2]),
            is_priority: false,
            not_before: now,
            approvals_needed,
            approved_by: None,
            approved_at: None,
            second_approved_by: None,
            second_approved_at: None,
            rejected_by: None,
            reject_reason: None,
            sent_at: None,
            provider_uuid: None,
            unanswered: 0,
            last_answer: None,
            outcome_unknown_at: None,
            settled_at: None,
            wiped_at: None,
            created_at: now,
            updated_at: now,
        };
        Locked { transaction, withdrawal }
    }
}
