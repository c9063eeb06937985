//! Cases that the platform closes itself, because what they are about is over.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::model::CASE;
use super::open::{NewCase, open_case};
use crate::audit::{self, Actor};
use crate::error::Result;
use crate::schema::payment_cases;
use crate::{Outcome, Tx};

/// Closes the open ones of these cases with a note, and tells the audit log. A case that staff have closed stays theirs.
///
/// # Errors
/// The database's.
pub(crate) async fn close_agreed(tx: &mut Tx, references: &[String], note: &str) -> Result<()> {
    if references.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let open = payment_cases::table
        .filter(payment_cases::reference.eq_any(references))
        .filter(payment_cases::resolved_at.is_null());
    let closed: Vec<(i64, String)> = diesel::update(open)
        .set((payment_cases::resolved_at.eq(now), payment_cases::note.eq(note)))
        .returning((payment_cases::id, payment_cases::reference))
        .get_results(tx.conn())
        .await?;
    for (id, reference) in closed {
        let details = json!({ "reference": reference, "note": note });
        let action = "payment_case.agree";
        tracing::info!(target: "payments", action, case = reference, "a payment case is over");
        audit::record(tx, Actor::System, action, (CASE, id.to_string()), details).await?;
    }
    Ok(())
}

/// Opens a case; one that the platform had closed itself is open again. `AlreadyDone` when it is open, or staff have
/// closed it.
///
/// # Errors
/// The database's.
pub(crate) async fn open_case_again(tx: &mut Tx, case: NewCase) -> Result<Outcome> {
    let (reference, details) = (case.reference(), case.details.clone());
    if open_case(tx, case).await? == Outcome::Done {
        return Ok(Outcome::Done);
    }
    let over = payment_cases::table
        .filter(payment_cases::reference.eq(&reference))
        .filter(payment_cases::resolved_at.is_not_null())
        .filter(payment_cases::resolved_by.is_null());
    let reopened: Option<i64> = diesel::update(over)
        .set((
            payment_cases::resolved_at.eq(None::<chrono::DateTime<chrono::Utc>>),
            payment_cases::note.eq(None::<String>),
            payment_cases::details.eq(details),
        ))
        .returning(payment_cases::id)
        .get_result(tx.conn())
        .await
        .optional()?;
    let Some(id) = reopened else { return Ok(Outcome::AlreadyDone) };
    let action = "payment_case.reopen";
    tracing::error!(target: "payments", action, case = reference, "staff must look at a payment again");
    let told = json!({ "reference": reference });
    audit::record(tx, Actor::System, action, (CASE, id.to_string()), told).await?;
    Ok(Outcome::Done)
}
