//! Pays a withdrawal, once.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ids::TransactionId;
use crate::jobs::{ExternalJob, JobKind, JobVerdict, Queue};
use crate::withdrawals::{Answer, Plan};
use crate::{App, Tx};

/// Pays a withdrawal, once, and asks until it is certain how that ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ProcessWithdrawal {
    /// Which withdrawal.
    pub transaction_id: TransactionId,
}

impl JobKind for ProcessWithdrawal {
    const KIND: &'static str = "process_withdrawal";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some(format!("process_withdrawal:{}", self.transaction_id))
    }
}

impl ExternalJob for ProcessWithdrawal {
    type Plan = Plan;
    type Answer = Answer;

    async fn prepare(&self, tx: &mut Tx, app: &App) -> Result<Option<Plan>> {
        Plan::prepare(tx, app, self.transaction_id).await
    }

    async fn call(plan: &Plan, app: &App) -> Result<Answer> {
        Ok(plan.call(&app.multicard).await)
    }

    async fn record(plan: Plan, answer: Answer, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        plan.record(answer, tx, app).await
    }
}
