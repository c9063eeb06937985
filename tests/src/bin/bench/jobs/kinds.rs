//! The kinds that are measured.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rand::Rng as _;
use serde::{Deserialize, Serialize};
use shared::audit::Actor;
use shared::error::{Error, Result};
use shared::ids::UserId;
use shared::jobs::{self, Job, JobKind, JobVerdict, PlainJob, Queue, Registry};
use shared::ledger::{self, Account, Posting};
use shared::{App, Money, Outcome, Tx};
use uuid::Uuid;

/// The platform's kinds and these.
pub(crate) fn registry() -> Registry {
    jobs::registry()
        .plain::<Noop>()
        .effect::<OneRow>()
        .effect::<Pay>()
        .plain::<Flaky>()
        .effect::<Stopwatch>()
        .effect::<MoneyStopwatch>()
}

/// Kinds that are counted by their number, with their queues.
pub(crate) const MEASURED: [(&str, &str); 4] = [
    (Noop::KIND, Noop::QUEUE.as_str()),
    (OneRow::KIND, OneRow::QUEUE.as_str()),
    (Pay::KIND, Pay::QUEUE.as_str()),
    (Flaky::KIND, Flaky::QUEUE.as_str()),
];

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

/// Credits somebody's account once.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pay {
    pub(crate) payment: Uuid,
    pub(crate) user: Uuid,
}

impl Pay {
    /// What each is worth, in UZS.
    pub(crate) const AMOUNT: i64 = 1_000;
    /// What every posting's key starts with, and every effect's.
    pub(crate) const PREFIX: &'static str = "bench_pay:";
}

impl JobKind for Pay {
    const KIND: &'static str = "bench_pay";
    const QUEUE: Queue = Queue::Money;
}

impl Job for Pay {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        let key = format!("{}{}", Self::PREFIX, self.payment);
        if matches!(jobs::claim_effect(tx, &key).await?, Outcome::AlreadyDone) {
            return Ok(Outcome::AlreadyDone.into());
        }
        let amount = Money::from_soum(Self::AMOUNT);
        let posting = Posting::new(key, Self::KIND, Actor::System)
            .leg(Account::Provider("payme"), -amount)
            .leg(Account::Available(UserId(self.user)), amount);
        Ok(ledger::post(tx, &posting).await?.into())
    }
}

/// Fails three times in ten.
#[derive(Serialize, Deserialize)]
pub(crate) struct Flaky {}

impl Flaky {
    /// Failures among a hundred runs.
    pub(crate) const FAILURES: u32 = 30;
}

impl JobKind for Flaky {
    const KIND: &'static str = "bench_flaky";
    const QUEUE: Queue = Queue::Default;
}

impl PlainJob for Flaky {
    async fn run(self, _: &App) -> Result<JobVerdict> {
        if rand::rng().random_range(0..100) < Self::FAILURES {
            return Err(Error::unavailable("bad luck"));
        }
        Ok(Outcome::Done.into())
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

    /// How many have started.
    pub(crate) fn started() -> usize {
        STARTS.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, HashMap::len)
    }

    async fn press(number: u32, tx: &mut Tx) -> Result<JobVerdict> {
        let now = Instant::now();
        STARTS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_default()
            .entry(number)
            .or_insert(now);
        Ok(jobs::claim_effect(tx, &format!("bench:stopwatch:{number}")).await?.into())
    }
}

impl JobKind for Stopwatch {
    const KIND: &'static str = "bench_stopwatch";
    const QUEUE: Queue = Queue::Default;
}

impl Job for Stopwatch {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        Self::press(self.number, tx).await
    }
}

/// The same on the queue of money.
#[derive(Serialize, Deserialize)]
pub(crate) struct MoneyStopwatch {
    pub(crate) number: u32,
}

impl JobKind for MoneyStopwatch {
    const KIND: &'static str = "bench_money_stopwatch";
    const QUEUE: Queue = Queue::Money;
}

impl Job for MoneyStopwatch {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        Stopwatch::press(self.number, tx).await
    }
}
