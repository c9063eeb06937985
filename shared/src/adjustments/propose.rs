//! Staff want a balance corrected.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{Numeric, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::model::{Adjustment, AdjustmentStatus};
use crate::accounts::User;
use crate::error::{Code, Error, Result, texts};
use crate::ids::{AdjustmentId, UserId};
use crate::schema::adjustments;
use crate::statement::statement;
use crate::{App, Money, Outcome, Tx};

/// The longest reason.
const REASON_MAX: usize = 2_000;
/// The longest reference.
const REFERENCE_MAX: usize = 200;
/// The same correction by the same person within this time is the same one.
const REPEATED_WITHIN: TimeDelta = TimeDelta::seconds(120);
/// What was corrected without a second person counts towards the limit for so long.
const LIMIT_COUNTS: TimeDelta = TimeDelta::hours(24);

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Correction<'a> {
    /// Whose balance.
    pub person: UserId,
    /// Positive gives, negative takes.
    pub amount: Money,
    /// Why: for staff.
    pub reason: &'a str,
    /// What it belongs to outside.
    pub reference: &'a str,
}

/// Corrects a balance at once, or proposes it when a second person has to decide: above `ADJUSTMENT_REVIEW_ABOVE`,
/// together with what this person was corrected by within a day without one. The same again within two minutes is the
/// same correction.
///
/// # Errors
/// `VALIDATION_ERROR`; `NOT_FOUND`; `PERMISSION_DENIED` for one's own balance; `INSUFFICIENT_FUNDS` when more is taken
/// than there is.
pub async fn propose(
    tx: &mut Tx,
    app: &App,
    staff: UserId,
    wanted: Correction<'_>,
) -> Result<(Adjustment, Outcome)> {
    let wanted = checked(wanted)?;
    if wanted.person == staff {
        return Err(Error::new(Code::PermissionDenied));
    }
    let person = User::find(tx, wanted.person).await?;
    person.filter(|user| user.deleted_at.is_none()).ok_or_else(|| Error::new(Code::NotFound))?;
    // The limit is about rows that are not there yet.
    tx.one_at_a_time(&format!("adjustments.propose:{}", wanted.person)).await?;
    if let Some(same) = repeated(tx, staff, wanted).await? {
        return Ok((same, Outcome::AlreadyDone));
    }
    let mut row = Adjustment {
        id: AdjustmentId::new(),
        user_id: wanted.person,
        amount: wanted.amount,
        reason: wanted.reason.to_owned(),
        reference: wanted.reference.to_owned(),
        status: AdjustmentStatus::Proposed,
        needs_review: needs_review(tx, app, wanted).await?,
        proposed_by: staff,
        decided_by: None,
        decision_note: String::new(),
        decided_at: None,
        transaction_id: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    row.insert(tx).await?;
    if row.needs_review {
        row.tell(tx, staff, "adjustment.propose").await?;
    } else {
        let _done = row.decide(staff, AdjustmentStatus::Approved, tx.now())?;
        row.carry_out(tx, staff).await?;
    }
    Ok((row, Outcome::Done))
}

fn checked(wanted: Correction<'_>) -> Result<Correction<'_>> {
    let (reason, reference) = (wanted.reason.trim(), wanted.reference.trim());
    if wanted.amount.is_zero() {
        return Err(Error::field("amount", texts::INVALID));
    }
    if reason.is_empty() {
        return Err(Error::field("reason", texts::REQUIRED));
    }
    for (name, text, max) in
        [("reason", reason, REASON_MAX), ("reference", reference, REFERENCE_MAX)]
    {
        if text.chars().count() > max {
            let error = Error::new(Code::ValidationError);
            return Err(error.and_field(name, texts::TOO_LONG, max.to_string()));
        }
    }
    Ok(Correction { reason, reference, ..wanted })
}

async fn repeated(
    tx: &mut Tx,
    staff: UserId,
    wanted: Correction<'_>,
) -> Result<Option<Adjustment>> {
    let since = tx.now() - REPEATED_WITHIN;
    let same = adjustments::user_id
        .eq(wanted.person)
        .and(adjustments::amount.eq(wanted.amount))
        .and(adjustments::proposed_by.eq(staff))
        .and(adjustments::reason.eq(wanted.reason))
        .and(adjustments::reference.eq(wanted.reference));
    let row = Adjustment::query()
        .filter(same)
        .filter(adjustments::created_at.gt(since))
        .filter(adjustments::status.ne(AdjustmentStatus::Rejected))
        .first(tx.conn())
        .await
        .optional()?;
    Ok(row)
}

/// Many small corrections are a large one.
async fn needs_review(tx: &mut Tx, app: &App, wanted: Correction<'_>) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Sum {
        #[diesel(sql_type = Numeric)]
        corrected: Money,
    }
    let since = tx.now() - LIMIT_COUNTS;
    let sum: Sum = statement(
        "SELECT coalesce(sum(abs(amount)), 0)::numeric(18,2) AS corrected FROM adjustments
         WHERE user_id = $1 AND created_at > $2 AND status = 'approved' AND NOT needs_review",
    )
    .bind::<SqlUuid, _>(wanted.person)
    .bind::<Timestamptz, _>(since)
    .get_result(tx.conn())
    .await?;
    let all = sum.corrected.checked_add(Adjustment::size(wanted.amount));
    Ok(all.is_none_or(|all| all > app.settings.staff.adjustment_review_above))
}
