//! The ledger's check switches off.

use serde_json::{Value, json};

use super::model::{Switch, SwitchRow};
use crate::Tx;
use crate::audit::{self, Actor};
use crate::error::Result;

/// Switches everything off that is on, unless staff know of all these findings. Once: what is off stays as it is.
pub(crate) async fn trip(tx: &mut Tx, findings: &[String]) -> Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    // In the order of their names: the order of locks.
    for switch in [Switch::Releases, Switch::Withdrawals] {
        let mut row = SwitchRow::lock(tx, switch).await?;
        if row.off_at.is_some() || findings.iter().all(|finding| row.knows(finding)) {
            continue;
        }
        row.off_at = Some(tx.now());
        row.off_by = Some(Actor::System.to_string());
        row.reason = Some("the books do not agree".to_owned());
        row.findings = json!(findings);
        row.updated_at = tx.now();
        row.save(tx).await?;
        tracing::error!(target: "ledger", action = "switch.off", switch = %switch, ?findings, "switched off: the books do not agree");
        let details = json!({ "reason": row.reason, "findings": findings });
        let object = ("switch", switch.to_string());
        audit::record(tx, Actor::System, "switch.off", object, details).await?;
    }
    Ok(())
}

impl SwitchRow {
    fn knows(&self, finding: &str) -> bool {
        let known = self.acknowledged.as_array();
        known.is_some_and(|known| known.contains(&Value::from(finding)))
    }
}
