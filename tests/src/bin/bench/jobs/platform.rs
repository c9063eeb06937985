//! A worker with all its services, inside this process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::App;
use shared::jobs::Queue;
use shared::settings::Transport;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use worker::Engine;

use super::kinds;
use crate::failure::{Attempt, Result};
use crate::servers::{Database, Servers, prefix};

/// How long a worker may take to begin.
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(20);

/// How a worker is set up.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) transport: Transport,
    /// The one queue it serves, or all.
    pub(crate) queue: Option<Queue>,
    /// Runs at a time on that queue; as it comes when not said.
    pub(crate) slots: Option<usize>,
    /// Connections to PostgreSQL.
    pub(crate) connections: usize,
}

impl Setup {
    /// All queues, and everything else as it comes.
    pub(crate) fn usual(transport: Transport) -> Self {
        Self { transport, queue: None, slots: None, connections: 8 }
    }

    /// One queue, and everything else as it comes.
    pub(crate) fn of(queue: Queue, transport: Transport) -> Self {
        Self { queue: Some(queue), ..Self::usual(transport) }
    }

    /// With so many runs at a time, on so many connections.
    pub(crate) fn with(self, slots: usize, connections: usize) -> Self {
        Self { slots: Some(slots), connections, ..self }
    }

    /// The variables that say so. Every worker's Redis keys are its own.
    pub(crate) fn variables(
        self,
        servers: &Servers,
        database: &Database,
    ) -> HashMap<String, String> {
        let queue = self.queue.map_or("", Queue::as_str);
        let slots = self.slots.map(|slots| format!("{queue}={slots}")).unwrap_or_default();
        let mut variables = database.variables();
        let more = [
            ("REDIS_URL", servers.redis_url()),
            ("REDIS_PREFIX", format!("{}-{}", prefix(), uuid::Uuid::new_v4().simple())),
            ("JOBS_TRANSPORT", self.transport.as_str().to_owned()),
            ("WORKER_QUEUES", queue.to_owned()),
            ("WORKER_SLOTS", slots),
            ("DATABASE_POOL_SIZE", self.connections.to_string()),
        ];
        variables.extend(more.map(|(name, value)| (name.to_owned(), value)));
        variables
    }
}

/// A worker inside this process. Dropping it lets it drain by itself.
pub(crate) struct InProcess {
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl InProcess {
    /// Starts a worker and waits until it takes jobs.
    pub(crate) async fn start(
        servers: &Servers,
        database: &Database,
        setup: Setup,
    ) -> Result<Self> {
        let app: Arc<App> = Arc::new(Database::app(setup.variables(servers, database))?);
        let engine = Engine::with_registry(app, kinds::registry());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(worker::run(Arc::clone(&engine), async { drop(stopped.await) }));
        let worker = Self { stop, running };
        let started = Instant::now();
        while !engine.is_ready() {
            if started.elapsed() > READY_WITHIN {
                return Err("the worker does not become ready".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(worker)
    }

    /// Drains it.
    pub(crate) async fn stop(self) -> Result<()> {
        self.stop.send(()).ok();
        self.running.await.attempt("the worker does not drain")
    }
}
