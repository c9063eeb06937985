//! The workers, and asking one to leave.

use chrono::{DateTime, Utc};
use shared::jobs::operate::{self, WorkerQueue, WorkerView};
use shared::page::Page;

use super::{WhyBody, operator};
use crate::prelude::*;

/// A queue as one worker serves it.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkerQueueOut {
    queue: String,
    slots: i32,
    /// Jobs that it ran when it was heard of last.
    running: i32,
}

impl From<WorkerQueue> for WorkerQueueOut {
    fn from(queue: WorkerQueue) -> Self {
        Self { queue: queue.queue, slots: queue.slots, running: queue.running }
    }
}

/// A worker process.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkerOut {
    /// Its name, unique to its boot.
    worker: String,
    /// Heard of within the last thirty seconds.
    alive: bool,
    #[salvo(schema(value_type = String, format = DateTime))]
    started_at: DateTime<Utc>,
    #[salvo(schema(value_type = String, format = DateTime))]
    seen_at: DateTime<Utc>,
    /// Since when an operator wants it to leave.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    drain_requested_at: Option<DateTime<Utc>>,
    queues: Vec<WorkerQueueOut>,
}

impl Shown for WorkerOut {}

impl From<WorkerView> for WorkerOut {
    fn from(view: WorkerView) -> Self {
        Self {
            worker: view.worker,
            alive: view.alive,
            started_at: view.started_at,
            seen_at: view.seen_at,
            drain_requested_at: view.drain_requested_at,
            queues: view.queues.into_iter().map(WorkerQueueOut::from).collect(),
        }
    }
}

/// All workers.
pub(crate) struct AllWorkers;

impl Listed for AllWorkers {
    type Item = WorkerOut;
    type Order = ();
    type Filters = ();
    const ORDERINGS: &'static [(&'static str, ())] = &[];
    const DEFAULT_ORDER: () = ();
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(_query: &mut Query) {}
}

/// Lists the workers that were heard of within the hour: who is alive, what they serve, who is leaving. For staff.
#[endpoint(tags("jobs"))]
pub(crate) async fn list_workers(
    app: AppState,
    _staff: Staff,
    list: List<AllWorkers>,
) -> ApiResult<Paged<WorkerOut>> {
    let workers = operate::workers(&mut *app.db.read().await?).await?;
    let page = Page::of(workers, list.window);
    Ok(list.page(page.map(WorkerOut::from)))
}

/// Asks a worker to drain. For superusers.
///
/// Within seconds it takes nothing new, finishes what it runs or hands it back, and exits with 0; what supervises it may
/// start another, under another name.
#[endpoint(tags("jobs"))]
pub(crate) async fn drain_worker(
    app: AppState,
    superuser: Superuser,
    worker: Slug,
    body: OptionalBody<WhyBody>,
) -> ApiResult<Json<WorkerOut>> {
    let by = operator(&superuser, body.reason.as_deref())?;
    let view = app
        .db
        .transaction(async |tx| {
            let _repeated = operate::drain(tx, &by, &worker).await?;
            operate::worker(tx, &worker).await
        })
        .await?;
    Ok(Json(view.into()))
}
