//! Staff have dealt with a case.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::model::{CASE, CaseStatus, PaymentCase};
use crate::Tx;
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};
use crate::ids::UserId;
use crate::schema::payment_cases;

/// The longest note.
const NOTE_MAX: usize = 2_000;

/// Closes a case with what was done about it. The same person's same note again finds it closed.
///
/// # Errors
/// `VALIDATION_ERROR` naming `note`; `NOT_FOUND`; `INVALID_STATE` when it was resolved otherwise.
pub async fn resolve_case(tx: &mut Tx, staff: UserId, id: i64, note: &str) -> Result<PaymentCase> {
    let note = checked(note)?;
    let mut case = PaymentCase::lock(tx, id).await?;
    match case.status() {
        CaseStatus::Open => {}
        CaseStatus::Resolved
            if case.resolved_by == Some(staff) && case.note.as_deref() == Some(note) =>
        {
            return Ok(case);
        }
        CaseStatus::Resolved => return Err(Error::invalid_state(CaseStatus::Resolved.as_str())),
    }
    case.resolved_at = Some(tx.now());
    case.resolved_by = Some(staff);
    case.note = Some(note.to_owned());
    diesel::update(payment_cases::table.filter(payment_cases::id.eq(id)))
        .set((
            payment_cases::resolved_at.eq(case.resolved_at),
            payment_cases::resolved_by.eq(case.resolved_by),
            payment_cases::note.eq(&case.note),
        ))
        .execute(tx.conn())
        .await?;
    let details = json!({ "reference": case.reference, "note": note });
    let action = "payment_case.resolve";
    tracing::info!(target: "payments", action, case = case.reference, %staff, "{action}");
    audit::record(tx, Actor::Staff(staff), action, (CASE, id.to_string()), details).await?;
    Ok(case)
}

/// The note without blanks around it.
fn checked(note: &str) -> Result<&str> {
    let note = note.trim();
    if note.is_empty() {
        return Err(Error::field("note", texts::REQUIRED));
    }
    if note.chars().count() > NOTE_MAX {
        return Err(Error::new(Code::ValidationError).and_field(
            "note",
            texts::TOO_LONG,
            NOTE_MAX.to_string(),
        ));
    }
    Ok(note)
}
