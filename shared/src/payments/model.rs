//! A movement of money as people see it, and the steps it may take.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::providers::Provider;
use crate::audit::{self, Actor};
use crate::error::{Error, Result};
use crate::ids::{EscrowId, PaymentMethodId, TransactionId, UserId};
use crate::schema::{payment_methods, transactions};
use crate::text_enum::text_enum;
use crate::{Conn, Money, Outcome, Tx};

/// How long a deposit waits for its provider to begin; then it is cancelled.
pub const BEGIN_WITHIN: TimeDelta = TimeDelta::hours(24);

/// The only currency.
const CURRENCY: &str = "UZS";

text_enum! {
    /// What a movement is.
    TransactionType {
        /// Money came from a provider.
        Deposit = "deposit",
        /// Money goes to a card.
        Withdrawal = "withdrawal",
        /// A buyer paid a deal.
        Purchase = "purchase",
        /// Money went back: a deal to its buyer, or a deposit to its provider.
        Refund = "refund",
        /// What the platform kept of a deal.
        Commission = "commission",
        /// A paid plan.
        Subscription = "subscription",
        /// A seller was paid.
        Sale = "sale",
    }
}

text_enum! {
    /// Where a movement is.
    TransactionStatus {
        /// Nobody outside knows of it yet.
        Pending = "pending",
        /// The provider has begun.
        Processing = "processing",
        /// The money moved. Final.
        Completed = "completed",
        /// The provider refused. Final.
        Failed = "failed",
        /// Nobody wanted it any more. Final.
        Cancelled = "cancelled",
    }
}

/// A row of `transactions`. The ledger is the truth behind it.
#[derive(Clone, Debug, HasQuery, Identifiable, Insertable, AsChangeset)]
#[diesel(table_name = transactions, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct Transaction {
    /// Its id; a deposit's is the provider's `order_id`.
    pub id: TransactionId,
    /// Whose money it is.
    pub user_id: UserId,
    /// How much: always positive, the type says which way.
    pub amount: Money,
    /// `UZS`.
    pub currency: String,
    /// What it is (`type`).
    pub kind: TransactionType,
    /// Where it is.
    pub status: TransactionStatus,
    /// The provider, for money from or to outside.
    pub payment_method_id: Option<PaymentMethodId>,
    /// The provider's own id of it.
    pub provider_transaction_id: Option<String>,
    /// The deal it belongs to; on a deposit: the deal it will pay.
    pub escrow_id: Option<EscrowId>,
    /// The movement it takes back.
    pub reverses_id: Option<TransactionId>,
    /// For people.
    pub description: String,
    /// For support.
    pub metadata: Value,
    /// Completed at.
    pub processed_at: Option<DateTime<Utc>>,
    /// Refused at.
    pub failed_at: Option<DateTime<Utc>>,
    /// Recorded at.
    pub created_at: DateTime<Utc>,
    /// Changed at.
    pub updated_at: DateTime<Utc>,
}

impl Transaction {
    /// A pending movement of a person's money, not stored yet.
    #[must_use]
    pub fn new(kind: TransactionType, user: UserId, amount: Money, now: DateTime<Utc>) -> Self {
        Self {
            id: TransactionId::new(),
            user_id: user,
            amount,
            currency: CURRENCY.to_owned(),
            kind,
            status: TransactionStatus::Pending,
            payment_method_id: None,
            provider_transaction_id: None,
            escrow_id: None,
            reverses_id: None,
            description: String::new(),
            metadata: json!({}),
            processed_at: None,
            failed_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// A completed movement, for what happens at once: a purchase, a sale, a commission, a refund.
    #[must_use]
    pub fn completed(
        kind: TransactionType,
        user: UserId,
        amount: Money,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            status: TransactionStatus::Completed,
            processed_at: Some(now),
            ..Self::new(kind, user, amount, now)
        }
    }

    /// The same movement, belonging to a deal.
    #[must_use]
    pub fn of_deal(self, escrow: EscrowId) -> Self {
        Self { escrow_id: Some(escrow), ..self }
    }

    /// The refund that takes a completed deposit back to its provider.
    #[must_use]
    pub fn reversal(&self, now: DateTime<Utc>) -> Self {
        Self {
            payment_method_id: self.payment_method_id,
            reverses_id: Some(self.id),
            ..Self::completed(TransactionType::Refund, self.user_id, self.amount, now)
        }
    }

    /// The provider has begun: it waits for the payer.
    ///
    /// # Errors
    /// `INVALID_STATE` when it is not pending.
    pub fn begin(&mut self, now: DateTime<Utc>) -> Result<()> {
        match self.status {
            TransactionStatus::Pending => {
                self.status = TransactionStatus::Processing;
                self.updated_at = now;
                Ok(())
            }
            TransactionStatus::Processing
            | TransactionStatus::Completed
            | TransactionStatus::Failed
            | TransactionStatus::Cancelled => Err(Error::invalid_state(self.status.as_str())),
        }
    }

    /// The money moved, under the provider's id.
    ///
    /// # Errors
    /// `INVALID_STATE` when the provider has not begun, or it is over.
    pub fn complete(
        &mut self,
        provider_transaction_id: &str,
        now: DateTime<Utc>,
    ) -> Result<Outcome> {
        match self.status {
            TransactionStatus::Processing => {
                self.status = TransactionStatus::Completed;
                self.provider_transaction_id = Some(provider_transaction_id.to_owned());
                self.processed_at = Some(now);
                self.updated_at = now;
                Ok(Outcome::Done)
            }
            TransactionStatus::Completed => Ok(Outcome::AlreadyDone),
            TransactionStatus::Pending
            | TransactionStatus::Failed
            | TransactionStatus::Cancelled => Err(Error::invalid_state(self.status.as_str())),
        }
    }

    /// Nobody wants it any more; `why` is kept for support.
    ///
    /// # Errors
    /// `INVALID_STATE` when the money has moved or was refused.
    pub fn cancel(&mut self, why: &str, now: DateTime<Utc>) -> Result<Outcome> {
        match self.status {
            TransactionStatus::Pending | TransactionStatus::Processing => {
                self.status = TransactionStatus::Cancelled;
                if let Some(facts) = self.metadata.as_object_mut() {
                    facts.insert("cancelled".to_owned(), why.into());
                }
                self.updated_at = now;
                Ok(Outcome::Done)
            }
            TransactionStatus::Cancelled => Ok(Outcome::AlreadyDone),
            TransactionStatus::Completed | TransactionStatus::Failed => {
                Err(Error::invalid_state(self.status.as_str()))
            }
        }
    }

    /// Staff refused it: cancelled, and its owner is told.
    pub(crate) fn reject(&mut self, now: DateTime<Utc>) -> Result<Outcome> {
        let outcome = self.cancel("rejected by staff", now)?;
        if let Some(facts) = self.metadata.as_object_mut() {
            facts.insert("rejected".to_owned(), true.into());
        }
        Ok(outcome)
    }

    /// Whether staff refused it.
    pub(crate) fn is_rejected(&self) -> bool {
        self.metadata.get("rejected").and_then(Value::as_bool).unwrap_or_default()
    }

    /// The payment that the provider told of is none: it waits for its payer again. Says whether it had begun.
    pub(super) fn wait_again(&mut self, now: DateTime<Utc>) -> bool {
        let begun = self.status == TransactionStatus::Processing;
        if begun {
            self.status = TransactionStatus::Pending;
            self.updated_at = now;
        }
        begun
    }

    /// The provider said no for certain; `why` is kept for support.
    ///
    /// # Errors
    /// `INVALID_STATE` when the provider has not begun, or it is over.
    pub(crate) fn fail(&mut self, why: &str, now: DateTime<Utc>) -> Result<Outcome> {
        match self.status {
            TransactionStatus::Processing => {
                self.status = TransactionStatus::Failed;
                if let Some(facts) = self.metadata.as_object_mut() {
                    facts.insert("failed".to_owned(), why.into());
                }
                self.failed_at = Some(now);
                self.updated_at = now;
                Ok(Outcome::Done)
            }
            TransactionStatus::Failed => Ok(Outcome::AlreadyDone),
            TransactionStatus::Pending
            | TransactionStatus::Completed
            | TransactionStatus::Cancelled => Err(Error::invalid_state(self.status.as_str())),
        }
    }

    /// Whether no provider has begun it in time.
    #[must_use]
    pub fn is_abandoned(&self, now: DateTime<Utc>) -> bool {
        self.status == TransactionStatus::Pending && now - self.created_at > BEGIN_WITHIN
    }

    /// Tells the log and the audit log of a step that moves no money yet, or no more, such as `deposit.begin`. What moves
    /// money is told by its posting.
    pub(super) async fn tell(&self, tx: &mut Tx, by: Actor, action: &str) -> Result<()> {
        tracing::info!(target: "payments", action, transaction = %self.id, amount = %self.amount, status = %self.status, %by, "{action}");
        let details = json!({
            "amount": self.amount, "status": self.status, "user_id": self.user_id, "escrow_id": self.escrow_id,
            "cancelled": self.metadata.get("cancelled"),
        });
        audit::record(tx, by, action, ("transaction", self.id.to_string()), details).await
    }

    /// Stores a new row.
    ///
    /// # Errors
    /// The database's; a second purchase, sale, commission or refund of one deal is refused by `transactions_deal_once`.
    pub async fn insert(&self, tx: &mut Tx) -> Result<()> {
        diesel::insert_into(transactions::table).values(self).execute(tx.conn()).await?;
        Ok(())
    }

    /// Stores a changed row that this transaction has locked.
    pub(crate) async fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(self).set(self).execute(tx.conn()).await?;
        Ok(())
    }

    /// The row as it is now, not locked: for what never changes (type, deal, method).
    pub(crate) async fn find(conn: &mut Conn, id: TransactionId) -> Result<Option<Self>> {
        Ok(Self::query().filter(transactions::id.eq(id)).first(conn).await.optional()?)
    }

    /// Locks the row to the end of the transaction.
    pub(crate) async fn lock(tx: &mut Tx, id: TransactionId) -> Result<Self> {
        Ok(Self::query()
            .filter(transactions::id.eq(id))
            .for_no_key_update()
            .first(tx.conn())
            .await?)
    }

    /// Locks the row unless somebody holds it: a sweep waits for nobody.
    pub(super) async fn lock_if_free(tx: &mut Tx, id: TransactionId) -> Result<Option<Self>> {
        let row = Self::query()
            .filter(transactions::id.eq(id))
            .for_no_key_update()
            .skip_locked()
            .first(tx.conn())
            .await;
        Ok(row.optional()?)
    }
}

/// A way to pay.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = payment_methods)]
pub struct PaymentMethod {
    /// Its id.
    pub id: PaymentMethodId,
    /// As people see it.
    pub name: String,
    /// As requests name it.
    pub code: String,
    /// The icon's name.
    pub icon: String,
    /// Staff switch a method off here: nothing new begins, what began ends.
    pub is_active: bool,
}

impl PaymentMethod {
    /// Whether a provider serves it, so that a deposit can begin.
    #[must_use]
    pub fn is_wired(&self) -> bool {
        Provider::parse(&self.code).is_some()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::{BEGIN_WITHIN, Transaction, TransactionStatus, TransactionType};
    use crate::ids::UserId;
    use crate::{Money, Outcome};

    fn deposit(status: TransactionStatus) -> Transaction {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        Transaction {
            status,
            ..Transaction::new(TransactionType::Deposit, UserId::new(), Money::from_soum(1000), now)
        }
    }

    /// What each status allows: begin, complete, cancel, fail.
    #[test]
    fn every_step_is_allowed_from_the_right_statuses_only() {
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(1);
        let table = [
            (TransactionStatus::Pending, true, None, Some(Outcome::Done), None),
            (
                TransactionStatus::Processing,
                false,
                Some(Outcome::Done),
                Some(Outcome::Done),
                Some(Outcome::Done),
            ),
            (TransactionStatus::Completed, false, Some(Outcome::AlreadyDone), None, None),
            (TransactionStatus::Failed, false, None, None, Some(Outcome::AlreadyDone)),
            (TransactionStatus::Cancelled, false, None, Some(Outcome::AlreadyDone), None),
        ];
        assert_eq!(table.len(), TransactionStatus::ALL.len());
        for (status, begins, completes, cancels, fails) in table {
            assert_eq!(deposit(status).fail("refused", now).ok(), fails, "{status}");
            let waits = status == TransactionStatus::Processing;
            assert_eq!(deposit(status).wait_again(now), waits, "{status}");
            assert_eq!(deposit(status).begin(now).is_ok(), begins, "{status}");
            assert_eq!(deposit(status).complete("p", now).ok(), completes, "{status}");
            assert_eq!(deposit(status).cancel("expired", now).ok(), cancels, "{status}");
        }
    }

    #[test]
    fn a_completed_deposit_has_its_time_and_the_providers_id() {
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(1);
        let mut row = deposit(TransactionStatus::Processing);
        assert_eq!(row.complete("5305e3bab097f420a62ced0b", now).ok(), Some(Outcome::Done));
        assert_eq!(row.processed_at, Some(now));
        assert_eq!(row.provider_transaction_id.as_deref(), Some("5305e3bab097f420a62ced0b"));
        let later = now + TimeDelta::hours(1);
        assert_eq!(row.complete("another", later).ok(), Some(Outcome::AlreadyDone));
        assert_eq!(row.processed_at, Some(now), "a replay changes nothing");

        let refund = row.reversal(later);
        assert_eq!(
            (refund.kind, refund.status),
            (TransactionType::Refund, TransactionStatus::Completed)
        );
        assert_eq!(
            (refund.reverses_id, refund.amount, refund.provider_transaction_id),
            (Some(row.id), row.amount, None)
        );
    }

    #[test]
    fn only_a_pending_deposit_is_abandoned_and_only_after_a_day() {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        assert!(!deposit(TransactionStatus::Pending).is_abandoned(start + BEGIN_WITHIN));
        assert!(
            deposit(TransactionStatus::Pending)
                .is_abandoned(start + BEGIN_WITHIN + TimeDelta::milliseconds(1))
        );
        for status in
            TransactionStatus::ALL.iter().filter(|status| **status != TransactionStatus::Pending)
        {
            assert!(!deposit(*status).is_abandoned(start + TimeDelta::days(9)), "{status}");
        }
    }
}
