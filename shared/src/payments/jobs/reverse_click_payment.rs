//! Gives a payment back at Click.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{ExternalJob, JobKind, JobVerdict, Queue};
use crate::payments::providers::click::{Reversal, Reversed};
use crate::{App, Tx};

/// Has Click give back a payment that staff booked as returned, or a second one of a deposit that was paid.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ReverseClickPayment {
    /// Our number of the payment.
    pub prepare_id: i64,
}

impl JobKind for ReverseClickPayment {
    const KIND: &'static str = "reverse_click_payment";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some(format!("reverse_click_payment:{}", self.prepare_id))
    }
}

impl ExternalJob for ReverseClickPayment {
    type Plan = Reversal;
    type Answer = Reversed;

    async fn prepare(&self, tx: &mut Tx, app: &App) -> Result<Option<Reversal>> {
        Reversal::of(tx, app, self.prepare_id).await
    }

    async fn call(reversal: &Reversal, app: &App) -> Result<Reversed> {
        reversal.give_back(app).await
    }

    async fn record(
        reversal: Reversal,
        answer: Reversed,
        tx: &mut Tx,
        _app: &App,
    ) -> Result<JobVerdict> {
        reversal.record(answer, tx).await
    }
}
