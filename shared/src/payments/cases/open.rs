//! Opening a case.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::model::{CASE, CaseKind};
use crate::audit::{self, Actor};
use crate::error::Result;
use crate::ids::TransactionId;
use crate::payments::providers::Provider;
use crate::schema::payment_cases;
use crate::{Outcome, Tx};

/// What staff must look at.
pub(crate) struct NewCase {
    /// What happened.
    pub kind: CaseKind,
    /// With whom.
    pub provider: Provider,
    /// The movement it is about, if there is one.
    pub transaction_id: Option<TransactionId>,
    /// The fact under the provider's own name for it, such as its payment's id.
    pub fact: String,
    /// What is known; no secrets.
    pub details: Value,
}

impl NewCase {
    pub(super) fn reference(&self) -> String {
        reference(self.provider, self.kind, &self.fact)
    }
}

/// The same fact has the same reference for good.
pub(crate) fn reference(provider: Provider, kind: CaseKind, fact: &str) -> String {
    format!("{provider}:{kind}:{fact}")
}

/// Opens a case, in the transaction that found the fact. `AlreadyDone` when the fact has its case, also a resolved one.
///
/// # Errors
/// The database's.
pub(crate) async fn open_case(tx: &mut Tx, case: NewCase) -> Result<Outcome> {
    let reference = case.reference();
    let opened_at = tx.now();
    let inserted: Option<i64> = diesel::insert_into(payment_cases::table)
        .values((
            payment_cases::kind.eq(case.kind),
            payment_cases::provider.eq(case.provider),
            payment_cases::transaction_id.eq(case.transaction_id),
            payment_cases::reference.eq(&reference),
            payment_cases::details.eq(case.details),
            payment_cases::opened_at.eq(opened_at),
        ))
        .on_conflict(payment_cases::reference)
        .do_nothing()
        .returning(payment_cases::id)
        .get_result(tx.conn())
        .await
        .optional()?;
    let Some(id) = inserted else { return Ok(Outcome::AlreadyDone) };
    let action = "payment_case.open";
    tracing::error!(target: "payments", action, case = reference, kind = %case.kind, provider = %case.provider, transaction = case.transaction_id.map(tracing::field::display), "staff must look at a payment");
    let told = json!({ "reference": reference, "transaction": case.transaction_id });
    audit::record(tx, Actor::System, action, (CASE, id.to_string()), told).await?;
    Ok(Outcome::Done)
}
