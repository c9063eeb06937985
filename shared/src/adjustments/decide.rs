//! A second person decides about a correction.

use super::model::{Adjustment, AdjustmentStatus};
use crate::error::{Code, Error, Result, texts};
use crate::ids::{AdjustmentId, UserId};
use crate::{Outcome, Tx};

/// The longest note.
const NOTE_MAX: usize = 2_000;

/// Posts a proposed correction. A repeat by the same person finds it posted.
///
/// # Errors
/// `NOT_FOUND`; `PERMISSION_DENIED` for who proposed it and for whose balance it is; `INVALID_STATE`;
/// `INSUFFICIENT_FUNDS` when more is taken than there is by now: it stays proposed.
pub async fn approve(
    tx: &mut Tx,
    staff: UserId,
    id: AdjustmentId,
    note: &str,
) -> Result<Adjustment> {
    decide(tx, staff, (id, AdjustmentStatus::Approved), note).await
}

/// Drops a proposed correction; who proposed it may do so too. A repeat by the same person finds it dropped.
///
/// # Errors
/// `NOT_FOUND`; `PERMISSION_DENIED` for whose balance it is; `INVALID_STATE`.
pub async fn reject(
    tx: &mut Tx,
    staff: UserId,
    id: AdjustmentId,
    note: &str,
) -> Result<Adjustment> {
    decide(tx, staff, (id, AdjustmentStatus::Rejected), note).await
}

async fn decide(
    tx: &mut Tx,
    staff: UserId,
    (id, decision): (AdjustmentId, AdjustmentStatus),
    note: &str,
) -> Result<Adjustment> {
    let note = note.trim();
    if note.chars().count() > NOTE_MAX {
        let error = Error::new(Code::ValidationError);
        return Err(error.and_field("note", texts::TOO_LONG, NOTE_MAX.to_string()));
    }
    let mut row = Adjustment::lock(tx, id).await?;
    if row.decide(staff, decision, tx.now())? == Outcome::Done {
        row.decision_note = note.to_owned();
        row.carry_out(tx, staff).await?;
    }
    Ok(row)
}
