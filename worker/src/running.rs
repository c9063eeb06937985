//! What this process runs now, and the token by which each run holds its job.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::ids::JobId;
use shared::jobs::{Claimed, Queue};
use shared::telemetry::metrics;
use tokio_util::sync::CancellationToken;

struct Run {
    job: Claimed,
    lost: CancellationToken,
}

/// The runs of this process.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<(JobId, i64), Run>>);

impl Running {
    /// Enters a run until the guard is dropped.
    pub(crate) fn enter(&self, job: &Claimed, queue: Queue) -> RunGuard<'_> {
        let lost = CancellationToken::new();
        self.runs().insert((job.id, job.lease_token), Run { job: job.clone(), lost: lost.clone() });
        metrics::JOB_RUNNING.with_label_values(&[job.kind.as_str(), queue.as_str()]).inc();
        RunGuard {
            running: self,
            key: (job.id, job.lease_token),
            kind: job.kind.clone(),
            queue,
            lost,
        }
    }

    /// The jobs and tokens to renew.
    pub(crate) fn leases(&self) -> Vec<(JobId, i64)> {
        self.runs().keys().copied().collect()
    }

    /// Everything that still runs.
    pub(crate) fn jobs(&self) -> Vec<Claimed> {
        self.runs().values().map(|run| run.job.clone()).collect()
    }

    /// Tells the run of a job that another worker has it.
    pub(crate) fn lose(&self, job: JobId) {
        for run in self.runs().values().filter(|run| run.job.id == job) {
            run.lost.cancel();
        }
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<(JobId, i64), Run>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that is entered.
pub(crate) struct RunGuard<'a> {
    running: &'a Running,
    key: (JobId, i64),
    kind: String,
    queue: Queue,
    /// Cancelled when the lease is lost.
    pub(crate) lost: CancellationToken,
}

impl Drop for RunGuard<'_> {
    fn drop(&mut self) {
        self.running.runs().remove(&self.key);
        metrics::JOB_RUNNING.with_label_values(&[self.kind.as_str(), self.queue.as_str()]).dec();
    }
}
