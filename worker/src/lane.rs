//! One queue inside one worker process: its slots, its bells, and the hints that wait for a slot.

use std::sync::atomic::{AtomicU32, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::App;
use shared::ids::JobId;
use shared::jobs::Queue;
use shared::telemetry::metrics;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

use crate::intake::{Arrived, Hints};

/// Messages that wait for the intake; the transport's own limit comes first.
const ARRIVALS_MAX: usize = 64;

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
    /// Rung when messages may be waiting in Redis: after a push and after hints were taken.
    pub(crate) fetch: Arc<Notify>,
    /// How often the transport's worker was started again: it has another name each time.
    pub(crate) transport_restarts: AtomicU32,
    /// Hints that left the window since the dispatcher looked.
    pub(crate) taken: AtomicUsize,
    arrivals: mpsc::Sender<Arrived>,
    /// The other end, until the intake is started.
    unopened: Mutex<Option<mpsc::Receiver<Arrived>>>,
    /// Hints that nobody had started when the process began to drain.
    unstarted: Mutex<Hints>,
}

impl Lane {
    pub(crate) fn new(app: &App, queue: Queue, kinds: Vec<&'static str>) -> Self {
        let capacity = app.settings.jobs.slots(queue);
        metrics::JOB_SLOTS.with_label_values(&[queue.as_str()]).set(count(capacity));
        let (arrivals, unopened) = mpsc::channel(ARRIVALS_MAX);
        Self {
            queue,
            kinds,
            capacity,
            slots: Arc::new(Semaphore::new(capacity)),
            bell: Arc::new(Notify::new()),
            fetch: Arc::new(Notify::new()),
            transport_restarts: AtomicU32::new(0),
            taken: AtomicUsize::new(0),
            arrivals,
            unopened: Mutex::new(Some(unopened)),
            unstarted: Mutex::default(),
        }
    }

    /// Waits until the jobs of a message have been started, or need not be.
    pub(crate) async fn arrive(&self, hints: Hints) {
        let (taken, looked_at) = oneshot::channel();
        match self.arrivals.send(Arrived { hints, taken }).await {
            // An error says that the sender is gone, which says the same.
            Ok(()) => looked_at.await.unwrap_or_default(),
            Err(mpsc::error::SendError(arrived)) => {
                arrived.hints.into_iter().for_each(|(job, generation)| self.leave(job, generation));
            }
        }
    }

    /// What the intake reads from; once.
    pub(crate) fn open(&self) -> Option<mpsc::Receiver<Arrived>> {
        self.unopened.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Leaves a hint to another worker.
    pub(crate) fn leave(&self, job: JobId, generation: i32) {
        self.unstarted.lock().unwrap_or_else(PoisonError::into_inner).push((job, generation));
    }

    /// The hints that were left.
    pub(crate) fn left(&self) -> Hints {
        std::mem::take(&mut *self.unstarted.lock().unwrap_or_else(PoisonError::into_inner))
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
