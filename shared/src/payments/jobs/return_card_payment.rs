//! Gives a card payment back that nothing waits for.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ids::TransactionId;
use crate::jobs::{ExternalJob, JobKind, JobVerdict, Queue};
use crate::payments::providers::multicard::{Returned, Surplus};
use crate::{App, Tx};

/// Gives back a second payment of a deposit, or a payment of one that is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReturnCardPayment {
    /// The deposit it was meant for.
    pub transaction_id: TransactionId,
    /// Multicard's id of the payment.
    pub payment: String,
}

impl JobKind for ReturnCardPayment {
    const KIND: &'static str = "return_card_payment";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        Some(format!("return_card_payment:{}", self.payment))
    }
}

impl ExternalJob for ReturnCardPayment {
    type Plan = Surplus;
    type Answer = Returned;

    async fn prepare(&self, tx: &mut Tx, _app: &App) -> Result<Option<Surplus>> {
        Surplus::of(tx, self.transaction_id, &self.payment).await
    }

    async fn call(surplus: &Surplus, app: &App) -> Result<Returned> {
        Ok(surplus.give_back(&app.multicard).await)
    }

    async fn record(
        surplus: Surplus,
        returned: Returned,
        tx: &mut Tx,
        _app: &App,
    ) -> Result<JobVerdict> {
        surplus.record(returned, tx).await
    }
}
