//! What this process runs now, the token by which each run holds its job, and how a run is told to stop.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::ids::JobId;
use shared::jobs::{Claimed, Queue};
use shared::telemetry::metrics;
use tokio::sync::watch;

/// Why a run is stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Another worker has the job.
    Lost,
    /// An operator wants it stopped.
    Cancelled,
    /// The process ends.
    Interrupted,
}

struct Run {
    queue: Queue,
    stop: watch::Sender<Option<Stop>>,
}

/// The runs of this process.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<(JobId, i64), Run>>);

impl Running {
    /// Enters a run until the guard is dropped.
    pub(crate) fn enter(&self, job: &Claimed, queue: Queue) -> RunGuard<'_> {
        let (stop, stopped) = watch::channel(None);
        self.runs().insert((job.id, job.lease_token), Run { queue, stop });
        metrics::JOB_RUNNING.with_label_values(&[job.kind.as_str(), queue.as_str()]).inc();
        RunGuard {
            running: self,
            key: (job.id, job.lease_token),
            kind: job.kind.clone(),
            queue,
            stopped,
        }
    }

    /// The jobs and tokens to renew.
    pub(crate) fn leases(&self) -> Vec<(JobId, i64)> {
        self.runs().keys().copied().collect()
    }

    /// How many jobs of a queue run.
    pub(crate) fn count(&self, queue: Queue) -> usize {
        self.runs().values().filter(|run| run.queue == queue).count()
    }

    /// Tells the runs of a job to stop.
    pub(crate) fn stop(&self, job: JobId, why: Stop) {
        for (_, run) in self.runs().iter().filter(|((id, _), _)| *id == job) {
            run.stop.send_replace(Some(why));
        }
    }

    /// Tells every run to stop, and returns how many there are.
    pub(crate) fn interrupt_all(&self) -> usize {
        let runs = self.runs();
        for run in runs.values() {
            run.stop.send_replace(Some(Stop::Interrupted));
        }
        runs.len()
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
    stopped: watch::Receiver<Option<Stop>>,
}

impl RunGuard<'_> {
    /// Ready when the run has been told to stop for a reason that it heeds.
    pub(crate) async fn stopped(&self, heeds: impl Fn(Stop) -> bool) -> Stop {
        let mut stopped = self.stopped.clone();
        let told =
            stopped.wait_for(|stop| stop.is_some_and(&heeds)).await.ok().and_then(|stop| *stop);
        match told {
            Some(stop) => stop,
            // The sender lives in the table as long as this guard.
            None => std::future::pending().await,
        }
    }
}

impl Drop for RunGuard<'_> {
    fn drop(&mut self) {
        self.running.runs().remove(&self.key);
        metrics::JOB_RUNNING.with_label_values(&[self.kind.as_str(), self.queue.as_str()]).dec();
    }
}
