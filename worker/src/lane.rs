//! One queue inside one worker process: its slots, its bell, and its claims.

use std::collections::HashMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::App;
use shared::error::Error;
use shared::ids::JobId;
use shared::jobs::{self, Claimed, Queue};
use shared::telemetry::metrics;
use tokio::sync::{Notify, Semaphore};

use crate::batcher::Batcher;
use crate::engine::Probe;

/// A queue's share of this process.
pub(crate) struct Lane {
    pub(crate) queue: Queue,
    /// The kinds of the queue that this process knows: others are left to a newer one.
    pub(crate) kinds: Vec<&'static str>,
    /// How many slots there are.
    pub(crate) capacity: usize,
    /// Runs at a time, whichever transport they came by.
    pub(crate) slots: Arc<Semaphore>,
    /// Rung when something may be due, or when the window has room again.
    pub(crate) bell: Arc<Notify>,
    /// Rung when messages may be waiting in Redis: after a push and after a delivery.
    pub(crate) fetch: Arc<Notify>,
    claims: Batcher<(JobId, i32), Option<Claimed>>,
    /// How often the transport's worker was started again: it has another name each time.
    pub(crate) transport_restarts: AtomicU32,
    /// Messages that were delivered when the process had begun to drain.
    unstarted: Mutex<Vec<(JobId, i32)>>,
}

impl Lane {
    pub(crate) fn new(
        app: &Arc<App>,
        queue: Queue,
        kinds: Vec<&'static str>,
        worker: &str,
        probe: Probe,
    ) -> Self {
        let capacity = app.settings.jobs.slots(queue);
        metrics::JOB_SLOTS.with_label_values(&[queue.as_str()]).set(count(capacity));
        let bell = Arc::new(Notify::new());
        let (app, ring, worker) = (Arc::clone(app), Arc::clone(&bell), worker.to_owned());
        let known: Arc<[&'static str]> = kinds.as_slice().into();
        let claims = Batcher::start(move |messages: Vec<(JobId, i32)>| {
            let (app, ring, worker) = (Arc::clone(&app), Arc::clone(&ring), worker.clone());
            let known = Arc::clone(&known);
            async move {
                probe("before_claim");
                let claimed = claim(&app, &messages, &known, &worker).await;
                if claimed.iter().any(Option::is_some) {
                    probe("after_claim");
                }
                // The window has room again.
                ring.notify_one();
                claimed
            }
        });
        Self {
            queue,
            kinds,
            capacity,
            slots: Arc::new(Semaphore::new(capacity)),
            bell,
            fetch: Arc::new(Notify::new()),
            claims,
            transport_restarts: AtomicU32::new(0),
            unstarted: Mutex::default(),
        }
    }

    /// Leaves a delivered message to another worker.
    pub(crate) fn leave(&self, job: JobId, generation: i32) {
        self.unstarted.lock().unwrap_or_else(PoisonError::into_inner).push((job, generation));
    }

    /// The messages that were left.
    pub(crate) fn left(&self) -> Vec<(JobId, i32)> {
        std::mem::take(&mut *self.unstarted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Claims the row of a message; `None` when the message is stale or repeated, or the database is away.
    pub(crate) async fn claim(&self, job: JobId, generation: i32) -> Option<Claimed> {
        self.claims.submit((job, generation)).await.flatten()
    }
}

/// Claims a group of messages and answers each, in order. What a worker of a newer release has handed out and this one
/// does not know is given back at once: its attempt does not count.
async fn claim(
    app: &App,
    messages: &[(JobId, i32)],
    known: &[&'static str],
    worker: &str,
) -> Vec<Option<Claimed>> {
    let claimed = async {
        let conn = &mut app.db.read().await?;
        let lease = millis(app.settings.jobs.lease);
        let rows = jobs::claim_dispatched(conn, messages, worker, lease).await?;
        let (ours, foreign): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| known.contains(&row.kind.as_str()));
        for job in &foreign {
            jobs::hand_back(conn, job).await?;
        }
        Ok::<_, Error>(ours)
    };
    match claimed.await {
        Ok(rows) => {
            let mut rows: HashMap<JobId, Claimed> =
                rows.into_iter().map(|row| (row.id, row)).collect();
            messages.iter().map(|(job, _)| rows.remove(job)).collect()
        }
        Err(error) => {
            // The rows stay dispatched and are offered again.
            tracing::warn!(target: "jobs", error = error.causes(), "claims failed");
            messages.iter().map(|_| None).collect()
        }
    }
}

/// A number of things as the statements and metrics take it.
pub(crate) fn count(things: usize) -> i64 {
    i64::try_from(things).unwrap_or(i64::MAX)
}

/// A duration as the statements take it.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
