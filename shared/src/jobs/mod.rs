//! The job platform's contract: a job is a row written in the transaction of its cause.
//!
//! ```text
//!             enqueue                dispatch               claim
//!   (cause) ──────────▶ pending ──────────────▶ dispatched ───────▶ running ──▶ done | dead | cancelled
//!                        ▲   ▲                       │                 │
//!                        │   └── offered again ──────┘                 │
//!                        └── retry, snooze, rescued after a crash ─────┘
//! ```
//!
//! The row is outbox, record and timer in one. Redis carries only `{job id, dispatch generation, trace}`: a message
//! is a hint to look at a row, so a lost, repeated, reordered or ancient message changes nothing. Due times are
//! business time (`app_now()`); leases and hand-outs are real time (`now()`).

mod backoff;
mod cancel;
mod claim;
mod dispatch;
mod doorbell;
mod effect;
mod enqueue;
mod finish;
pub mod kinds;
mod lease;
pub mod operate;
mod partitions;
mod progress;
mod prune;
mod queue;
mod rate;
mod registry;
mod rescue;
mod runner;
mod scan;
mod stats;
mod tick;
mod timed;
mod upkeep;
mod walk;

use std::future::Future;
use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::error::Result;
use crate::{App, Outcome, Tx};

pub use backoff::Backoff;
pub use cancel::{cancel_requests, is_cancel_requested};
pub use claim::{Claimed, Floor, claim_dispatched, claim_pending, claim_suspect};
pub use dispatch::{
    Dispatched, next_due, offer_again, offer_everything_again, room, take_back, take_due,
};
pub use doorbell::{Doorbell, listen};
pub use effect::claim_effect;
pub use enqueue::{Enqueued, Origin, enqueue, enqueue_at};
pub use finish::{cancel_run, complete_group, fail, fence, hand_back, settle};
pub use lease::{Presence, announce, renew, retire};
pub use progress::{Batch, Progress, save_progress};
pub use queue::{Queue, QueuePolicy};
pub use rate::reserve;
pub use registry::{AWAITED, Entry, Registry, registry};
pub use rescue::{MAX_CRASHES, Rescued, rescue};
pub use runner::{BatchRunner, Call, Prepared, Runner};
pub(crate) use scan::Scanned;
pub use stats::{
    DEAD_MAX, DEPTH_MAX, KindBacklog, KindProgress, LastFire, QueueBacklog, QueueCrew, backlog,
    crews, dead_by_kind, last_fires, long_work, unknown_kinds,
};
pub use tick::{fire, last_tick};
pub(crate) use timed::after;
pub(crate) use walk::ago;
pub use walk::{Stretch, Walk};

/// A kind of job: its name, its queue, its limits, and its arguments (the fields of the implementing struct).
///
/// Arguments are ids; the row is read when the job runs. An old row still runs after a field was added
/// (`#[serde(default)]`); a change that serde cannot bridge raises `VERSION` and teaches `upgrade`.
pub trait JobKind: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name, stored on every row: never renamed.
    const KIND: &'static str;
    /// Where it waits.
    const QUEUE: Queue;
    /// The version of the arguments.
    const VERSION: i16 = 1;
    /// How long and how often it may try: its queue's limits, unless it says otherwise.
    const LIMITS: Limits = Self::QUEUE.policy().limits;
    /// Arguments that operators do not see, beyond what is named like a secret.
    const MASKED: &'static [&'static str] = &[];

    /// The business key: while a job with it is live, another is not recorded.
    fn unique_key(&self) -> Option<String> {
        None
    }

    /// Arguments of an older version in today's form.
    #[must_use]
    fn upgrade(args: Value, _from: i16) -> Value {
        args
    }
}

/// A job whose effect is in our database: effect and completion commit together, or neither does.
pub trait Job: JobKind {
    /// Does the work inside the fenced transaction that also completes the job.
    fn run(self, tx: &mut Tx, app: &App) -> impl Future<Output = Result<JobVerdict>> + Send;
}

/// A job whose effect is outside (mail, SMS, payouts, storage): the call is made in no transaction.
///
/// `call` carries a deterministic reference, because after a crash between `call` and `record` it is made again.
pub trait ExternalJob: JobKind {
    /// What `prepare` read for the call.
    type Plan: Send + Sync + 'static;
    /// What the outside answered.
    type Answer: Send + 'static;

    /// Reads what the call needs; `None` when there is nothing left to do.
    fn prepare(
        &self,
        tx: &mut Tx,
        app: &App,
    ) -> impl Future<Output = Result<Option<Self::Plan>>> + Send;
    /// Talks to the outside.
    fn call(plan: &Self::Plan, app: &App) -> impl Future<Output = Result<Self::Answer>> + Send;
    /// Records the answer, in the transaction that completes the job.
    fn record(
        plan: Self::Plan,
        answer: Self::Answer,
        tx: &mut Tx,
        app: &App,
    ) -> impl Future<Output = Result<JobVerdict>> + Send;
}

/// A job without an effect to protect (a cache to warm, a message to publish): it runs in no transaction, and many are
/// completed with one commit.
pub trait PlainJob: JobKind {
    /// Does the work; doing it twice must do no harm.
    fn run(self, app: &App) -> impl Future<Output = Result<JobVerdict>> + Send;
}

/// Long work in bounded batches. A batch commits with its progress, so the work can be stopped, killed and resumed without
/// losing or repeating a row; operators see how far it is. Most of it is a [`Walk`].
pub trait BatchJob: JobKind {
    /// Does the next batch, inside the fenced transaction that also saves the progress. It takes well under a second.
    fn batch(
        &self,
        tx: &mut Tx,
        app: &App,
        so_far: Progress,
    ) -> impl Future<Output = Result<Batch>> + Send;
}

/// What a handler says about its run. An `Err` is a verdict too: the executor retries our faults and what passes
/// (`Internal`, `Unavailable`), and gives up on the rest.
#[derive(Debug)]
pub enum JobVerdict {
    /// The work is done, now or by an earlier run.
    Done(Outcome),
    /// Not yet: run again after this long. Costs no attempt, and clears the count of crashes.
    Snooze(Duration),
    /// Roll back and try again with back-off.
    Retry(String),
    /// Never again without an operator.
    Dead(String),
    /// No longer wanted.
    Cancel(String),
}

impl From<Outcome> for JobVerdict {
    fn from(outcome: Outcome) -> Self {
        Self::Done(outcome)
    }
}

/// How long and how often a kind may try.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Attempts in all, crashes included; then it is dead.
    pub max_attempts: i16,
    /// One run may take this long.
    pub timeout: Duration,
    /// The wait between attempts.
    pub backoff: Backoff,
}
