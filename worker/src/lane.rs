//! One queue inside one worker process: its slots, its bell, and its claims.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use shared::App;
use shared::ids::JobId;
use shared::jobs::{self, Claimed, Queue};
use shared::telemetry::metrics;
use tokio::sync::{Notify, Semaphore};

use crate::batcher::Batcher;

/// A queue's share of this process.
pub(crate) struct Lane {
    pub(crate) queue: Queue,
    /// The kinds of the queue that this process knows: others are left to a newer one.
    pub(crate) kinds: Vec<&'static str>,
    /// Runs at a time, whichever transport they came by.
    pub(crate) slots: Arc<Semaphore>,
    /// Rung when something may be due, or when the window has room again.
    pub(crate) bell: Arc<Notify>,
    /// Rung when messages may be waiting in Redis: after a push and after a delivery.
    pub(crate) fetch: Arc<Notify>,
    claims: Batcher<(JobId, i32), Option<Claimed>>,
}

impl Lane {
    pub(crate) fn new(
        app: &Arc<App>,
        queue: Queue,
        kinds: Vec<&'static str>,
        worker: &str,
    ) -> Self {
        metrics::JOB_SLOTS
            .with_label_values(&[queue.as_str()])
            .set(i64::try_from(queue.slots()).unwrap_or(0));
        let bell = Arc::new(Notify::new());
        let (app, ring, worker) = (Arc::clone(app), Arc::clone(&bell), worker.to_owned());
        let lease = millis(app.settings.jobs.lease);
        let claims = Batcher::start(move |messages: Vec<(JobId, i32)>| {
            let (app, ring, worker) = (Arc::clone(&app), Arc::clone(&ring), worker.clone());
            async move {
                let claimed = claim(&app, &messages, &worker, lease).await;
                // The window has room again.
                ring.notify_one();
                claimed
            }
        });
        Self {
            queue,
            kinds,
            slots: Arc::new(Semaphore::new(queue.slots())),
            bell,
            fetch: Arc::new(Notify::new()),
            claims,
        }
    }

    /// Claims the row of a message; `None` when the message is stale or repeated, or the database is away.
    pub(crate) async fn claim(&self, job: JobId, generation: i32) -> Option<Claimed> {
        self.claims.submit((job, generation)).await.flatten()
    }
}

/// Claims a group of messages and answers each, in order.
async fn claim(
    app: &App,
    messages: &[(JobId, i32)],
    worker: &str,
    lease_ms: i64,
) -> Vec<Option<Claimed>> {
    let claimed = async {
        let conn = &mut app.db.read().await?;
        jobs::claim_dispatched(conn, messages, worker, lease_ms).await
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

/// A duration as the statements take it.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
