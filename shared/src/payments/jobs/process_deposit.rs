//! Asks the provider about a deposit, and makes of the answer what is right.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ids::TransactionId;
use crate::jobs::{ExternalJob, JobKind, JobVerdict, Queue};
use crate::payments::providers::multicard::{Question, Word};
use crate::{App, Tx};

/// Asks the provider about a deposit whose callback is awaited, could not be confirmed, or has been believed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ProcessDeposit {
    /// Which deposit.
    pub transaction_id: TransactionId,
    /// It was credited a moment ago: whether its payment stood is what is asked.
    #[serde(default)]
    pub after_credit: bool,
}

impl JobKind for ProcessDeposit {
    const KIND: &'static str = "process_deposit";
    const QUEUE: Queue = Queue::Money;

    fn unique_key(&self) -> Option<String> {
        let when = if self.after_credit { ":credited" } else { "" };
        Some(format!("process_deposit:{}{when}", self.transaction_id))
    }
}

impl ExternalJob for ProcessDeposit {
    type Plan = Question;
    type Answer = Word;

    async fn prepare(&self, tx: &mut Tx, _app: &App) -> Result<Option<Question>> {
        Question::about(tx, self.transaction_id, self.after_credit).await
    }

    async fn call(question: &Question, app: &App) -> Result<Word> {
        Ok(question.ask(&app.multicard).await)
    }

    async fn record(question: Question, word: Word, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        question.record(word, tx, app).await
    }
}
