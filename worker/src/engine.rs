//! The engine of one worker process: its name, its lanes, and what it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::App;
use shared::error::Result;
use shared::ids::JobId;
use shared::jobs::{self, Claimed, Floor, Registry};
use shared::telemetry;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::batcher::Batcher;
use crate::completion;
use crate::direct;
use crate::lane::Lane;
use crate::quarantine;
use crate::running::Running;

/// Jobs that [`Engine::run_due`] claims at a time.
const RUN_DUE_BATCH: i64 = 10;

/// Is told the name of each point that a job passes: `before_claim`, `after_claim`, `before_commit`, `after_commit`,
/// `after_mark`, `after_push`. The shipped worker does nothing there; fault tests kill the process.
pub type Probe = fn(&'static str);

/// Everything a worker process shares between its tasks.
pub struct Engine {
    pub(crate) app: Arc<App>,
    pub(crate) registry: Registry,
    /// Unique to this boot: a restarted worker never inherits leases.
    pub(crate) name: String,
    pub(crate) lanes: Vec<Arc<Lane>>,
    pub(crate) running: Running,
    /// Completions of jobs without an effect.
    pub(crate) completions: Batcher<(JobId, i64), bool>,
    pub(crate) tasks: TaskTracker,
    /// Cancelled when the process should take nothing new.
    pub(crate) draining: CancellationToken,
    /// Cancelled when an operator asked this worker to drain.
    pub(crate) leaving: CancellationToken,
    /// Whether jobs come straight from PostgreSQL now.
    pub(crate) direct: AtomicBool,
    /// Called at the named points of a job's way.
    pub(crate) probe: Probe,
    ready: AtomicBool,
}

impl Engine {
    /// An engine for the queues of the settings.
    #[must_use]
    pub fn new(app: Arc<App>) -> Arc<Self> {
        Self::with_registry(app, jobs::registry())
    }

    /// An engine with a registry of its own: tests and benchmarks add kinds.
    #[must_use]
    pub fn with_registry(app: Arc<App>, registry: Registry) -> Arc<Self> {
        Self::with_probe(app, registry, |_| {})
    }

    /// An engine that tells `probe` what it does: fault tests stop it at a point of their choice.
    #[must_use]
    pub fn with_probe(app: Arc<App>, registry: Registry, probe: Probe) -> Arc<Self> {
        telemetry::zeros::of_a_worker(&registry);
        let queues = app.settings.jobs.queues.clone();
        let boot = Uuid::new_v4().simple().to_string();
        let name = format!("{}-{}", app.settings.jobs.worker_name, boot.get(..8).unwrap_or(&boot));
        let lanes = queues
            .into_iter()
            .map(|queue| {
                let kinds = registry
                    .iter()
                    .filter(|entry| entry.queue == queue)
                    .map(|entry| entry.kind)
                    .collect();
                Arc::new(Lane::new(&app, queue, kinds))
            })
            .collect();
        Arc::new(Self {
            completions: completion::batcher(Arc::clone(&app)),
            app,
            registry,
            name,
            lanes,
            running: Running::default(),
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            leaving: CancellationToken::new(),
            direct: AtomicBool::new(false),
            probe,
            ready: AtomicBool::new(false),
        })
    }

    /// Whether the process has announced itself and takes jobs.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) && !self.draining.is_cancelled()
    }

    pub(crate) fn announced(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Runs a claimed job on a slot, in a task of its own.
    pub(crate) fn start(self: &Arc<Self>, job: Claimed, slot: OwnedSemaphorePermit) {
        let engine = Arc::clone(self);
        self.tasks.spawn(async move { engine.execute(job, Some(slot)).await });
    }

    /// Runs everything that is due, follow-ups included, and returns how many runs it took. Uses no Redis and no
    /// background task: this is how tests and the operator's command line run jobs.
    ///
    /// # Errors
    /// The database's.
    pub async fn run_due(&self) -> Result<usize> {
        let mut runs = 0;
        loop {
            let mut claimed = Vec::new();
            for lane in &self.lanes {
                claimed.extend(direct::claim(self, lane, Floor::NONE, RUN_DUE_BATCH).await?);
                claimed.extend(quarantine::claim(self, lane).await?);
            }
            if claimed.is_empty() {
                return Ok(runs);
            }
            for job in claimed {
                self.execute(job, None).await;
                runs += 1;
            }
        }
    }
}
