//! Kinds of job that only tests and benchmarks register.

mod mark;
mod parcel;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use serde::{Deserialize, Serialize};
use shared::error::{Code, Result};
use shared::jobs::{
    self, Batch, BatchJob, ExternalJob, Job, JobKind, JobVerdict, Progress, Queue, Registry,
};
use shared::{App, Outcome, Tx};
use tokio::sync::Semaphore;

pub use mark::{Coin, Mark, Nothing, TABLES};
pub use parcel::{Novelty, Parcel, ParcelOfRelease1};

/// The platform's kinds and the ones of tests.
pub fn registry() -> Registry {
    common().effect::<Parcel>().effect::<Novelty>()
}

/// The same of the release before: arguments were simpler, and one kind was not invented yet.
pub fn registry_of_release_1() -> Registry {
    common().effect::<ParcelOfRelease1>()
}

fn common() -> Registry {
    jobs::registry()
        .effect::<Count>()
        .effect::<Crash>()
        .effect::<Fragile>()
        .external::<Wait>()
        .effect::<Mark>()
        .effect::<Coin>()
        .plain::<Nothing>()
        .effect::<Hold>()
        .external::<Ask>()
        .batch::<Crawl>()
}

/// Leaves one permanent effect.
#[derive(Serialize, Deserialize)]
pub struct Count {
    pub key: String,
}

impl JobKind for Count {
    const KIND: &'static str = "test_count";
    const QUEUE: Queue = Queue::Default;
}

impl Job for Count {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        Ok(jobs::claim_effect(tx, &self.key).await?.into())
    }
}

/// Takes its process with it.
#[derive(Serialize, Deserialize)]
pub struct Crash;

impl JobKind for Crash {
    const KIND: &'static str = "test_crash";
    const QUEUE: Queue = Queue::Default;
}

impl Job for Crash {
    async fn run(self, _: &mut Tx, _: &App) -> Result<JobVerdict> {
        std::process::abort()
    }
}

/// Panics until its `works_at`th attempt, leaving what it wrote to be rolled back.
#[derive(Serialize, Deserialize)]
pub struct Fragile {
    pub key: String,
    pub works_at: i64,
}

impl JobKind for Fragile {
    const KIND: &'static str = "test_fragile";
    const QUEUE: Queue = Queue::Default;
}

impl Job for Fragile {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        let outcome = jobs::claim_effect(tx, &self.key).await?;
        static RUNS: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
        let runs = {
            let mut seen = RUNS.lock().expect("not poisoned");
            seen.push(self.key.clone());
            i64::try_from(seen.iter().filter(|key| **key == self.key).count()).expect("few")
        };
        assert!(runs >= self.works_at, "attempt {runs} of a fragile job");
        Ok(outcome.into())
    }
}

/// Talks to an outside that answers when the test lets it.
#[derive(Serialize, Deserialize)]
pub struct Wait {
    pub key: String,
}

/// What the outside of [`Wait`] has been asked, and may answer.
pub struct Outside {
    pub asked: Semaphore,
    pub answer: Semaphore,
}

/// The outside of every [`Wait`] in this process: only one test uses it.
pub fn outside() -> &'static Outside {
    static OUTSIDE: OnceLock<Outside> = OnceLock::new();
    OUTSIDE.get_or_init(|| Outside { asked: Semaphore::new(0), answer: Semaphore::new(0) })
}

impl JobKind for Wait {
    const KIND: &'static str = "test_wait";
    const QUEUE: Queue = Queue::Default;
}

impl ExternalJob for Wait {
    type Plan = String;
    type Answer = ();

    async fn prepare(&self, _: &mut Tx, _: &App) -> Result<Option<String>> {
        Ok(Some(self.key.clone()))
    }

    async fn call(_: &String, _: &App) -> Result<()> {
        outside().asked.add_permits(1);
        outside().answer.acquire().await.expect("open").forget();
        Ok(())
    }

    async fn record(key: String, (): (), tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        Ok(match jobs::claim_effect(tx, &key).await? {
            Outcome::Done => JobVerdict::Done(Outcome::Done),
            Outcome::AlreadyDone => JobVerdict::Dead("recorded twice".to_owned()),
        })
    }
}

/// Where a job of a test stops until the test lets it go on.
pub struct Gate {
    /// A permit for every run that has come this far.
    pub reached: Semaphore,
    open: Semaphore,
}

impl Gate {
    /// Lets one run pass.
    pub fn open(&self) {
        self.open.add_permits(1);
    }

    async fn pass(&self) {
        self.reached.add_permits(1);
        self.open.acquire().await.expect("open").forget();
    }
}

/// The gate of this key in this process.
pub fn gate(key: &str) -> Arc<Gate> {
    static GATES: OnceLock<Mutex<HashMap<String, Arc<Gate>>>> = OnceLock::new();
    let gates = GATES.get_or_init(Mutex::default);
    let mut gates = gates.lock().expect("not poisoned");
    let closed = || Arc::new(Gate { reached: Semaphore::new(0), open: Semaphore::new(0) });
    Arc::clone(gates.entry(key.to_owned()).or_insert_with(closed))
}

/// Leaves one permanent effect, and stops at its gate before it commits.
#[derive(Serialize, Deserialize)]
pub struct Hold {
    pub key: String,
}

impl JobKind for Hold {
    const KIND: &'static str = "test_hold";
    const QUEUE: Queue = Queue::Default;
}

impl Job for Hold {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        let outcome = jobs::claim_effect(tx, &self.key).await?;
        gate(&self.key).pass().await;
        Ok(outcome.into())
    }
}

/// Asks an outside that answers when its gate opens.
#[derive(Serialize, Deserialize)]
pub struct Ask {
    pub key: String,
}

impl JobKind for Ask {
    const KIND: &'static str = "test_ask";
    const QUEUE: Queue = Queue::Default;
}

impl ExternalJob for Ask {
    type Plan = String;
    type Answer = ();

    async fn prepare(&self, _: &mut Tx, _: &App) -> Result<Option<String>> {
        Ok(Some(self.key.clone()))
    }

    async fn call(key: &String, _: &App) -> Result<()> {
        gate(key).pass().await;
        Ok(())
    }

    async fn record(key: String, (): (), tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        Ok(jobs::claim_effect(tx, &key).await?.into())
    }
}

/// Leaves one permanent effect per row, `size` rows in a batch; dies when it meets a row again.
#[derive(Serialize, Deserialize)]
pub struct Crawl {
    pub key: String,
    pub rows: i64,
    pub size: i64,
}

impl JobKind for Crawl {
    const KIND: &'static str = "test_crawl";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(self.key.clone())
    }
}

impl BatchJob for Crawl {
    async fn batch(&self, tx: &mut Tx, _: &App, so_far: Progress) -> Result<Batch> {
        let first = so_far.cursor.as_ref().and_then(serde_json::Value::as_i64).unwrap_or(0);
        let end = (first + self.size).min(self.rows);
        for row in first..end {
            let key = format!("{}-{row}", self.key);
            if jobs::claim_effect(tx, &key).await? == Outcome::AlreadyDone {
                return Err(Code::AlreadyExists.into());
            }
        }
        let progress = Progress {
            done: so_far.done + end - first,
            total: Some(self.rows),
            cursor: Some(end.into()),
        };
        Ok(if end == self.rows { Batch::Last(progress) } else { Batch::More(progress) })
    }
}
