//! `ledger_check`, every minute, reads what is new; `ledger_check_full`, every night and after a finding, reads everything.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{Backoff, ExternalJob, JobKind, JobVerdict, Limits, Queue};
use crate::ledger::{self, Checked};
use crate::{App, Outcome, Tx};

/// A check reads for longer than a transaction may idle, so it runs outside of the job's own.
const LIMITS: Limits = Limits {
    max_attempts: 3,
    timeout: Duration::from_secs(60),
    backoff: Backoff { base: Duration::from_secs(10), max: Duration::from_secs(60) },
};

/// Checks every invariant on what is new, and rolls the hot accounts up.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct LedgerCheck {}

impl JobKind for LedgerCheck {
    const KIND: &'static str = "ledger_check";
    const QUEUE: Queue = Queue::Bulk;
    const LIMITS: Limits = LIMITS;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl ExternalJob for LedgerCheck {
    type Plan = ();
    type Answer = Checked;

    async fn prepare(&self, _tx: &mut Tx, _app: &App) -> Result<Option<()>> {
        Ok(Some(()))
    }

    async fn call(_plan: &(), app: &App) -> Result<Checked> {
        ledger::check_recent(&app.db).await
    }

    async fn record(_plan: (), checked: Checked, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        ledger::conclude(tx, &checked).await?;
        ledger::roll_up(tx).await?;
        Ok(Outcome::Done.into())
    }
}

/// Checks every invariant on everything.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct LedgerCheckFull {}

impl JobKind for LedgerCheckFull {
    const KIND: &'static str = "ledger_check_full";
    const QUEUE: Queue = Queue::Bulk;
    const LIMITS: Limits = LIMITS;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl ExternalJob for LedgerCheckFull {
    type Plan = ();
    type Answer = Checked;

    async fn prepare(&self, _tx: &mut Tx, _app: &App) -> Result<Option<()>> {
        Ok(Some(()))
    }

    async fn call(_plan: &(), app: &App) -> Result<Checked> {
        ledger::check_everything(&app.db).await
    }

    async fn record(_plan: (), checked: Checked, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        ledger::conclude(tx, &checked).await?;
        Ok(Outcome::Done.into())
    }
}
