//! Load that does not wait for the system it loads: every job has its time, kept whether or not earlier ones have been
//! served, and lateness of any kind is counted from that time on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt};
use diesel_async::RunQueryDsl;
use shared::App;
use shared::jobs::{self, JobKind};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, error::TryRecvError};
use tokio::task::JoinSet;

use crate::failure::{Attempt, Result};
use crate::series::Latencies;
use crate::servers::Database;

/// Who sends, each one job after another: enough that a slow commit delays no other job.
const SENDERS: u32 = 16;
/// How often the table is asked what is done: durable ends are seen at most this much late.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A job that was sent.
#[derive(Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) number: u32,
    /// Its row.
    pub(crate) job: i64,
    /// When it was to be sent.
    pub(crate) intended: Instant,
    /// When its recording was known to be committed.
    pub(crate) committed: Instant,
}

/// So many jobs per second, with these numbers.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) rate: u32,
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// The platform of somebody who sends jobs: other connections and another doorbell than the worker's.
pub(crate) async fn sender(database: &Database) -> Result<Arc<App>> {
    let mut variables = database.variables();
    variables.insert("DATABASE_POOL_SIZE".to_owned(), SENDERS.to_string());
    let app = Arc::new(Database::app(variables)?);
    // Nobody's first job waits for a connection to be made.
    let mut connections = Vec::new();
    for _ in 0..SENDERS {
        connections.push(app.db.read().await.attempt("a sender has no connection")?);
    }
    drop(connections);
    Ok(app)
}

/// Sends everything in time.
pub(crate) async fn send<J: JobKind>(
    app: &Arc<App>,
    load: Load,
    job: fn(u32) -> J,
    sent: &UnboundedSender<Sent>,
) -> Result<()> {
    let started = Instant::now();
    let gap = Duration::from_secs(1) / load.rate;
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS.min(load.count) {
        let (app, sent) = (Arc::clone(app), sent.clone());
        senders.spawn(async move {
            for nth in (sender..load.count).step_by(usize::try_from(SENDERS).unwrap_or(1)) {
                let intended = started + gap * nth;
                tokio::time::sleep_until(intended.into()).await;
                let number = load.first + nth;
                let what = job(number);
                let recorded = app.db.transaction(async |tx| jobs::enqueue(tx, &what).await).await;
                let job = recorded.attempt("a job is not recorded")?;
                let job = job.attempt("a job was there already")?;
                sent.send(Sent { number, job, intended, committed: Instant::now() }).ok();
            }
            Ok::<(), String>(())
        });
    }
    while let Some(ended) = senders.join_next().await {
        ended.attempt("a sender is gone")??;
    }
    Ok(())
}

/// Watches the table until everything that was sent is durably done: when another session saw each.
pub(crate) async fn ends(
    database: &Database,
    mut sent: UnboundedReceiver<Sent>,
    within: Duration,
) -> Result<(Vec<Sent>, HashMap<u32, Instant>)> {
    #[derive(QueryableByName)]
    struct Done {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let mut conn = database.admin().await?;
    let (mut all, mut left, mut seen) = (Vec::new(), HashMap::new(), HashMap::new());
    let (mut open, mut last) = (true, Instant::now());
    while open || !left.is_empty() {
        loop {
            match sent.try_recv() {
                Ok(job) => {
                    left.insert(job.job, job.number);
                    all.push(job);
                    last = Instant::now();
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    open = false;
                    break;
                }
            }
        }
        let ids: Vec<i64> = left.keys().copied().collect();
        let done: Vec<Done> =
            diesel::sql_query("SELECT id FROM jobs WHERE id = ANY ($1) AND state = 'done'")
                .bind::<Array<BigInt>, _>(ids)
                .load(&mut conn)
                .await
                .attempt("the table does not say what is done")?;
        let now = Instant::now();
        for job in done {
            if let Some(number) = left.remove(&job.id) {
                seen.insert(number, now);
            }
        }
        if last.elapsed() > within {
            return Err(format!("{} jobs were not done within {} s", left.len(), within.as_secs()));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok((all, seen))
}

/// How long after a moment of each job something happened to it.
pub(crate) fn waits<'a>(
    sent: impl Iterator<Item = &'a Sent>,
    since: impl Fn(&Sent) -> Instant,
    happened: &HashMap<u32, Instant>,
) -> Latencies {
    let waits = sent
        .filter_map(|job| Some(happened.get(&job.number)?.saturating_duration_since(since(job))));
    Latencies::of(waits.collect())
}
