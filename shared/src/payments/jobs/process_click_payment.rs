//! Asks Click about a payment, and makes of the answer what is right.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{ExternalJob, JobKind, JobVerdict, Queue};
use crate::payments::providers::click::{Doubt, Sighting};
use crate::{App, Tx};

/// Asks about a payment that Click reports as paid and whose Complete has not come, and credits its payer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ProcessClickPayment {
    /// Our number of the payment.
    pub prepare_id: i64,
}

impl JobKind for ProcessClickPayment {
    const KIND: &'static str = "process_click_payment";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some(format!("process_click_payment:{}", self.prepare_id))
    }
}

impl ExternalJob for ProcessClickPayment {
    type Plan = Doubt;
    type Answer = Sighting;

    async fn prepare(&self, tx: &mut Tx, app: &App) -> Result<Option<Doubt>> {
        Doubt::about(tx, app, self.prepare_id).await
    }

    async fn call(doubt: &Doubt, app: &App) -> Result<Sighting> {
        doubt.ask(app).await
    }

    async fn record(doubt: Doubt, answer: Sighting, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        doubt.record(answer, tx, app).await
    }
}
