//! The kinds that are measured.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use shared::error::Result;
use shared::jobs::{self, Job, JobKind, JobVerdict, PlainJob, Queue, Registry};
use shared::{App, Outcome, Tx};

/// The platform's kinds and these.
pub(crate) fn registry() -> Registry {
    jobs::registry().plain::<Noop>().effect::<OneRow>().effect::<Stopwatch>()
}

/// Does nothing: what the platform itself costs.
#[derive(Serialize, Deserialize)]
pub(crate) struct Noop {}

impl JobKind for Noop {
    const KIND: &'static str = "bench_noop";
    const QUEUE: Queue = Queue::Default;
}

impl PlainJob for Noop {
    async fn run(self, _: &App) -> Result<JobVerdict> {
        Ok(Outcome::Done.into())
    }
}

/// Leaves one permanent row: the least that a job with an effect can do.
#[derive(Serialize, Deserialize)]
pub(crate) struct OneRow {
    key: String,
}

impl JobKind for OneRow {
    const KIND: &'static str = "bench_one_row";
    const QUEUE: Queue = Queue::Default;
}

impl Job for OneRow {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        Ok(jobs::claim_effect(tx, &self.key).await?.into())
    }
}

/// Says when it started, before anything else, and leaves its row.
#[derive(Serialize, Deserialize)]
pub(crate) struct Stopwatch {
    pub(crate) number: u32,
}

static STARTS: Mutex<Option<HashMap<u32, Instant>>> = Mutex::new(None);

impl Stopwatch {
    /// Forgets earlier starts.
    pub(crate) fn reset() {
        *STARTS.lock().unwrap_or_else(PoisonError::into_inner) = Some(HashMap::new());
    }

    /// When each number started.
    pub(crate) fn starts() -> HashMap<u32, Instant> {
        STARTS.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }
}

impl JobKind for Stopwatch {
    const KIND: &'static str = "bench_stopwatch";
    const QUEUE: Queue = Queue::Default;
}

impl Job for Stopwatch {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        let now = Instant::now();
        STARTS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_default()
            .entry(self.number)
            .or_insert(now);
        Ok(jobs::claim_effect(tx, &format!("bench:stopwatch:{}", self.number)).await?.into())
    }
}
