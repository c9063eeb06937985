//! A case as it is stored.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::Tx;
use crate::error::{Code, Error, Result};
use crate::ids::{TransactionId, UserId};
use crate::payments::providers::Provider;
use crate::schema::payment_cases;
use crate::text_enum::text_enum;

/// What the audit log calls a case.
pub(super) const CASE: &str = "payment_case";

text_enum! {
    /// What happened.
    CaseKind {
        /// A second payment of a deposit that was paid: its payer was debited and not credited.
        PaidTwice = "paid_twice",
        /// A payment of a deposit that was cancelled meanwhile: credited by a deposit of its own.
        PaidLate = "paid_late",
        /// The provider says that a payment failed which it had confirmed: it stays credited.
        FailedAfterPayment = "failed_after_payment",
        /// The provider says that a payment succeeded which it had given up: not credited.
        PaidAfterFailure = "paid_after_failure",
        /// The provider asked for money back that was spent: refused.
        RefundRefused = "refund_refused",
        /// The provider gave money back that was spent: its owner owes it to us.
        RefundOwed = "refund_owed",
        /// The provider does not say whether a payout was paid: somebody must ask it.
        PayoutUnanswered = "payout_unanswered",
        /// A payer was debited, and our side failed to record it.
        NotRecorded = "not_recorded",
        /// The provider's report and our books differ.
        Disagreement = "disagreement",
    }
}

text_enum! {
    /// Whether staff have dealt with it.
    CaseStatus { Open = "open", Resolved = "resolved" }
}

/// A row of `payment_cases`.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = payment_cases)]
pub struct PaymentCase {
    /// Its number.
    pub id: i64,
    /// What happened.
    pub kind: CaseKind,
    /// With whom.
    pub provider: Provider,
    /// The movement it is about, if there is one.
    pub transaction_id: Option<TransactionId>,
    /// The fact: no other case is about it.
    pub reference: String,
    /// What is known; no secrets.
    pub details: Value,
    /// When it was seen first.
    pub opened_at: DateTime<Utc>,
    /// When staff dealt with it.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Who did.
    pub resolved_by: Option<UserId>,
    /// What they did.
    pub note: Option<String>,
}

impl PaymentCase {
    /// Whether staff have dealt with it.
    #[must_use]
    pub fn status(&self) -> CaseStatus {
        if self.resolved_at.is_some() { CaseStatus::Resolved } else { CaseStatus::Open }
    }

    /// Locks the row to the end of the transaction.
    pub(super) async fn lock(tx: &mut Tx, id: i64) -> Result<Self> {
        Self::query()
            .filter(payment_cases::id.eq(id))
            .for_no_key_update()
            .first(tx.conn())
            .await
            .optional()?
            .ok_or_else(|| Error::new(Code::NotFound))
    }
}
