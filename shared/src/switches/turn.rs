//! People switch.

use serde_json::{Value, json};

use super::model::{Switch, SwitchRow};
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};
use crate::jobs::enqueue;
use crate::ledger::jobs::LedgerCheckFull;
use crate::{Outcome, Tx};

/// The longest reason.
const REASON_MAX: usize = 2_000;

/// Switches something off. Off already, it keeps its author and reason.
///
/// # Errors
/// `VALIDATION_ERROR` for a reason that is blank or longer than 2,000 characters.
pub async fn switch_off(
    tx: &mut Tx,
    by: Actor,
    switch: Switch,
    reason: &str,
) -> Result<(SwitchRow, Outcome)> {
    let reason = checked(reason)?;
    let mut row = SwitchRow::lock(tx, switch).await?;
    if row.off_at.is_some() {
        return Ok((row, Outcome::AlreadyDone));
    }
    row.off_at = Some(tx.now());
    row.off_by = Some(by.to_string());
    row.findings = json!([]);
    turned(tx, by, &mut row, reason).await?;
    Ok((row, Outcome::Done))
}

/// Switches something on again. What the ledger's check had found is acknowledged: it goes on being shown and does not
/// switch off again, everything else does. All of the ledger is checked next.
///
/// # Errors
/// `VALIDATION_ERROR` for a reason that is blank or longer than 2,000 characters.
pub async fn switch_on(
    tx: &mut Tx,
    by: Actor,
    switch: Switch,
    reason: &str,
) -> Result<(SwitchRow, Outcome)> {
    let reason = checked(reason)?;
    let mut row = SwitchRow::lock(tx, switch).await?;
    if row.off_at.is_none() {
        return Ok((row, Outcome::AlreadyDone));
    }
    row.off_at = None;
    row.off_by = None;
    row.acknowledged = union(&row.acknowledged, &row.findings);
    turned(tx, by, &mut row, reason).await?;
    enqueue(tx, &LedgerCheckFull::default()).await?;
    Ok((row, Outcome::Done))
}

async fn turned(tx: &mut Tx, by: Actor, row: &mut SwitchRow, reason: &str) -> Result<()> {
    row.reason = Some(reason.to_owned());
    row.updated_at = tx.now();
    row.save(tx).await?;
    let action = if row.off_at.is_some() { "switch.off" } else { "switch.on" };
    let details = json!({ "reason": reason, "findings": row.findings });
    tracing::warn!(target: "ledger", action, switch = %row.name, by = %by, reason, "{action}");
    audit::record(tx, by, action, ("switch", row.name.to_string()), details).await
}

fn union(known: &Value, more: &Value) -> Value {
    let mut all: Vec<Value> = known.as_array().cloned().unwrap_or_default();
    for finding in more.as_array().into_iter().flatten() {
        if !all.contains(finding) {
            all.push(finding.clone());
        }
    }
    Value::Array(all)
}

fn checked(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::field("reason", texts::REQUIRED));
    }
    if reason.chars().count() > REASON_MAX {
        let limit = REASON_MAX.to_string();
        return Err(Error::new(Code::ValidationError).and_field("reason", texts::TOO_LONG, limit));
    }
    Ok(reason)
}
