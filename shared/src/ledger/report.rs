//! What follows from a check: the marks, the figures, an error for each finding, and the switches.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Jsonb};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::check::{Checked, Violation};
use super::jobs::LedgerCheckFull;
use crate::error::{Error, Result};
use crate::jobs::enqueue;
use crate::statement::statement;
use crate::{Conn, Tx, switches};

/// Keeps what a check found, raises an error for each violation, and switches off what pays out. What is found between
/// two checks of everything is shown until the next of them, and causes it.
///
/// # Errors
/// The database's.
pub(super) async fn conclude(tx: &mut Tx, checked: &Checked) -> Result<()> {
    let Checked { violations, everything, next } = checked;
    for found in violations {
        tracing::error!(target: "ledger", invariant = found.invariant, rows = found.rows, sample = found.sample(), "the books do not agree: {}", found.promise);
    }
    if violations.is_empty() {
        tracing::info!(target: "ledger", everything, "the books agree");
    }
    next.save(tx).await?;
    keep(tx, violations, *everything).await?;
    let findings: Vec<String> = violations.iter().flat_map(Violation::keys).collect();
    switches::trip(tx, &findings).await?;
    if !everything && !violations.is_empty() {
        enqueue(tx, &LedgerCheckFull::default()).await?;
    }
    Ok(())
}

async fn keep(tx: &mut Tx, violations: &[Violation], everything: bool) -> Result<()> {
    let rows: BTreeMap<&str, i64> =
        violations.iter().map(|found| (found.invariant, found.rows)).collect();
    statement(
        "UPDATE ledger_check_marks
         SET violations = CASE WHEN $2 THEN $1 ELSE violations || $1 END,
             full_at = CASE WHEN $2 THEN app_now() ELSE full_at END",
    )
    .bind::<Jsonb, _>(json!(rows))
    .bind::<Bool, _>(everything)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Rows by invariant, as the last checks found them.
///
/// # Errors
/// `INTERNAL_ERROR` when what they kept cannot be read: that is not to have found nothing.
pub(super) async fn found(conn: &mut Conn) -> Result<BTreeMap<String, i64>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Jsonb)]
        violations: Value,
    }
    let row: Row = statement("SELECT violations FROM ledger_check_marks").get_result(conn).await?;
    read(row.violations)
}

fn read(violations: Value) -> Result<BTreeMap<String, i64>> {
    serde_json::from_value(violations).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_that_cannot_be_read_are_not_an_empty_list() {
        let found = read(json!({ "I1_conserved": 2 })).expect("readable");
        assert_eq!(found.get("I1_conserved"), Some(&2));
        assert!(read(json!({})).expect("readable").is_empty());
        for broken in [json!([]), json!(null), json!({ "I1_conserved": "two" }), json!(7)] {
            assert!(read(broken.clone()).is_err(), "{broken}");
        }
    }
}
