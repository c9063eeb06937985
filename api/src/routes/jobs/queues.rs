//! The queues, and stopping one.

use chrono::{DateTime, Utc};
use shared::jobs::Queue;
use shared::jobs::operate::{self, Depth, Pause, QueueView};
use shared::page::Page;
use shared::{Code, Result};

use super::{WhyBody, operator};
use crate::prelude::*;

/// How much there is of something, and for how long.
#[derive(Serialize, ToSchema)]
pub(crate) struct DepthOut {
    /// Exact below 10,000.
    count: i64,
    /// The age of the oldest: since it was due, handed out, begun, or dead.
    oldest_seconds: Option<i64>,
}

impl From<Depth> for DepthOut {
    fn from(depth: Depth) -> Self {
        Self { count: depth.count, oldest_seconds: depth.oldest_seconds }
    }
}

/// Who stopped a queue.
#[derive(Serialize, ToSchema)]
pub(crate) struct PauseOut {
    #[salvo(schema(value_type = String, format = DateTime))]
    paused_at: DateTime<Utc>,
    paused_by: String,
    reason: Option<String>,
}

impl From<Pause> for PauseOut {
    fn from(pause: Pause) -> Self {
        Self { paused_at: pause.paused_at, paused_by: pause.paused_by, reason: pause.reason }
    }
}

/// A queue: its state, and its line in the table of queues.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueOut {
    /// `money`, `default`, `mail` or `bulk`.
    #[salvo(schema(value_type = String))]
    queue: Queue,
    /// Null while it runs.
    pause: Option<PauseOut>,
    /// Live workers that serve it.
    workers: i64,
    /// Jobs that they can run at a time.
    slots: i64,
    /// Pending and due: how late the queue is.
    ready: DepthOut,
    /// Pending and due later.
    scheduled: DepthOut,
    dispatched: DepthOut,
    running: DepthOut,
    dead: DepthOut,
    /// Slots of one worker, unless its settings say otherwise.
    slots_per_worker: i64,
    /// The longest run.
    timeout_seconds: u64,
    /// Attempts, unless a kind has its own number.
    max_attempts: i16,
    /// The wait after the first failure; it doubles.
    backoff_seconds: u64,
    /// The longest wait.
    backoff_max_seconds: u64,
}

impl Shown for QueueOut {}

impl From<QueueView> for QueueOut {
    fn from(view: QueueView) -> Self {
        let policy = view.queue.policy();
        Self {
            queue: view.queue,
            pause: view.pause.map(PauseOut::from),
            workers: view.workers,
            slots: view.slots,
            ready: view.ready.into(),
            scheduled: view.scheduled.into(),
            dispatched: view.dispatched.into(),
            running: view.running.into(),
            dead: view.dead.into(),
            slots_per_worker: i64::try_from(policy.slots).unwrap_or(i64::MAX),
            timeout_seconds: policy.limits.timeout.as_secs(),
            max_attempts: policy.limits.max_attempts,
            backoff_seconds: policy.limits.backoff.base.as_secs(),
            backoff_max_seconds: policy.limits.backoff.max.as_secs(),
        }
    }
}

/// All queues.
pub(crate) struct AllQueues;

impl Listed for AllQueues {
    type Item = QueueOut;
    type Order = ();
    type Filters = ();
    const ORDERINGS: &'static [(&'static str, ())] = &[];
    const DEFAULT_ORDER: () = ();
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(_query: &mut Query) {}
}

/// Lists the queues: paused or not, slots, depths, how late they are, and their limits. For staff.
#[endpoint(tags("jobs"))]
pub(crate) async fn list_queues(
    app: AppState,
    _staff: Staff,
    list: List<AllQueues>,
) -> ApiResult<Paged<QueueOut>> {
    let queues = operate::queues(&mut *app.db.read().await?).await?;
    let page = Page::of(queues, list.window);
    Ok(list.page(page.map(QueueOut::from)))
}

/// Stops a queue across all workers: nothing of it starts any more; what runs goes on. For superusers.
#[endpoint(tags("jobs"))]
pub(crate) async fn pause_queue(
    app: AppState,
    superuser: Superuser,
    queue: Slug,
    body: OptionalBody<WhyBody>,
) -> ApiResult<Json<QueueOut>> {
    let (queue, by) = (named(&queue)?, operator(&superuser, body.reason.as_deref())?);
    let view = app
        .db
        .transaction(async |tx| {
            let _repeated = operate::pause(tx, &by, queue).await?;
            operate::queue(tx, queue).await
        })
        .await?;
    Ok(Json(view.into()))
}

/// Lets a queue go on, at once. For superusers.
#[endpoint(tags("jobs"))]
pub(crate) async fn resume_queue(
    app: AppState,
    superuser: Superuser,
    queue: Slug,
    body: OptionalBody<WhyBody>,
) -> ApiResult<Json<QueueOut>> {
    let (queue, by) = (named(&queue)?, operator(&superuser, body.reason.as_deref())?);
    let view = app
        .db
        .transaction(async |tx| {
            let _repeated = operate::resume(tx, &by, queue).await?;
            operate::queue(tx, queue).await
        })
        .await?;
    Ok(Json(view.into()))
}

fn named(queue: &str) -> Result<Queue> {
    Ok(Queue::parse(queue).ok_or(Code::NotFound)?)
}
