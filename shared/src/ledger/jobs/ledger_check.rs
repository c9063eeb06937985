//! `ledger_check`: ticked every few minutes; also rolls the hot accounts up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{Backoff, ExternalJob, JobKind, JobVerdict, Limits, Queue};
use crate::ledger::{self, Violation};
use crate::{App, Outcome, Tx};

/// Checks every invariant, shows what it found, and raises an error for each violation.
///
/// The check reads for longer than a transaction may idle, so it runs outside of the job's own.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct LedgerCheck {}

impl JobKind for LedgerCheck {
    const KIND: &'static str = "ledger_check";
    const QUEUE: Queue = Queue::Bulk;
    const LIMITS: Limits = Limits {
        max_attempts: 3,
        timeout: Duration::from_secs(60),
        backoff: Backoff { base: Duration::from_secs(10), max: Duration::from_secs(60) },
    };

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl ExternalJob for LedgerCheck {
    type Plan = ();
    type Answer = Vec<Violation>;

    async fn prepare(&self, _tx: &mut Tx, _app: &App) -> Result<Option<()>> {
        Ok(Some(()))
    }

    async fn call(_plan: &(), app: &App) -> Result<Vec<Violation>> {
        ledger::check(&app.db).await
    }

    async fn record(
        _plan: (),
        violations: Vec<Violation>,
        tx: &mut Tx,
        _app: &App,
    ) -> Result<JobVerdict> {
        ledger::report(&violations);
        ledger::roll_up(tx).await?;
        Ok(Outcome::Done.into())
    }
}
