//! Redis as the doorbell: pushing hints, noticing that it lost its memory or is away, and clearing what is done.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{AsyncCommands as _, Script};
use apalis_core::backend::TaskSink as _;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_redis::{Config, RedisStorage};
use futures::stream;
use serde_json::{Value, json};
use shared::error::{Error, Result};
use shared::jobs::{self, Dispatched, Queue};
use shared::settings::RedisSettings;
use shared::telemetry::metrics;

use crate::apalis::transport_name;
use crate::engine::Engine;
use crate::intake::Hints;
use crate::lane::Lane;

/// A command that takes longer has failed: a stalled Redis must not stall the dispatcher.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// What apalis waits for: any error ends its worker, so it is patient.
const APALIS_ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How often Redis is asked whether it still knows us.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Messages a transport worker fetches at a time: far below the 8,000 that its scripts cannot hold.
const BATCH_MAX: usize = 1_000;
/// Finished messages removed per call.
const PRUNE_BATCH: usize = 500;

/// A connection that is made when it is needed and made again when it breaks.
pub(crate) fn connect(settings: &RedisSettings, patient: bool) -> Result<ConnectionManager> {
    let within = if patient { APALIS_ANSWER_WITHIN } else { ANSWER_WITHIN };
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(within))
        .set_connection_timeout(Some(ANSWER_WITHIN))
        .set_number_of_retries(2)
        .set_max_delay(Duration::from_millis(500));
    let client = ::redis::Client::open(settings.jobs_url.expose()).map_err(Error::internal)?;
    client.get_connection_manager_lazy(config).map_err(Error::internal)
}

/// The apalis queue of one of our queues, in the safe configuration: a batch of at least a quarter of the deliveries
/// at a time (or shutdown hangs), no task locks (they cost the whole backlog per job), an orphan window far above our
/// leases.
pub(crate) fn config(settings: &RedisSettings, queue: Queue, slots: usize) -> Config {
    Config::default()
        .queue(format!("{}:jobs:{queue}", settings.prefix))
        .batch_size(slots.min(BATCH_MAX))
        .heartbeat_interval(Duration::from_secs(3))
        .missed_heartbeats(30)
        .lock_tasks(false)
        .emit_events(false)
        .idempotency_ttl(Some(Duration::from_secs(86_400)))
}

/// Pushes hints for one queue.
pub(crate) struct Pusher {
    storage: RedisStorage<Value>,
    conn: ConnectionManager,
    /// Where apalis keeps messages until their time, which it takes from the pusher's clock.
    scheduled: String,
}

impl Pusher {
    pub(crate) fn new(settings: &RedisSettings, lane: &Lane) -> Result<Self> {
        let config = config(settings, lane.queue, lane.capacity);
        let scheduled = config.scheduled_jobs_set();
        let storage = RedisStorage::new(connect(settings, false)?).with_config(config);
        Ok(Self { storage, conn: connect(settings, false)?, scheduled })
    }

    /// Pushes the rows as messages of `group` hints each, under the id of the first, which no other message ever has.
    pub(crate) async fn push(&self, rows: &[Dispatched], group: usize) -> Result<()> {
        let groups: Vec<(String, Value)> = rows
            .chunks(group.max(1))
            .filter_map(|rows| {
                let (first, more) = rows.split_first()?;
                Some((format!("{}:{}", first.id, first.dispatch_gen), message(first, more)))
            })
            .collect();
        let tasks = groups.iter().map(|(id, message)| {
            TaskBuilder::new(message.clone()).task_id(TaskId::from_string(id.clone())).build()
        });
        let tasks: Vec<_> = tasks.collect();
        self.storage
            .clone()
            .push_all(stream::iter(tasks))
            .await
            .map_err(|error| Error::unavailable(error.to_string()))?;
        self.make_due(groups.iter().map(|(id, _)| (0, id.as_str())).collect()).await;
        Ok(())
    }

    /// Makes messages due by any clock: this host's may be ahead of the one that fetches them.
    async fn make_due(&self, messages: Vec<(u8, &str)>) {
        let mut due = ::redis::cmd("ZADD");
        due.arg(&self.scheduled).arg("XX").arg(messages);
        if let Err(error) = due.query_async::<()>(&mut self.conn.clone()).await {
            // They are due by this host's clock all the same.
            tracing::debug!(target: "jobs", %error, "pushed messages keep their time");
        }
    }
}

/// `{job, generation, trace}`, and the pairs of those that travel with it.
fn message(first: &Dispatched, more: &[Dispatched]) -> Value {
    let mut message =
        json!({ "job": first.id, "generation": first.dispatch_gen, "trace": first.trace_id });
    if let (false, Some(members)) = (more.is_empty(), message.as_object_mut()) {
        let pairs: Vec<_> = more.iter().map(|row| json!([row.id, row.dispatch_gen])).collect();
        members.insert("more".to_owned(), pairs.into());
    }
    message
}

/// What a message speaks of; nothing when it is not ours.
pub(crate) fn hints(message: &Value) -> Hints {
    let hint = |job: &Value, generation: &Value| {
        Some((job.as_i64()?, i32::try_from(generation.as_i64()?).ok()?))
    };
    let first = message.get("job").zip(message.get("generation"));
    let more = message.get("more").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let pairs = more.iter().filter_map(|pair| pair.get(0).zip(pair.get(1)));
    first.into_iter().chain(pairs).filter_map(|(job, generation)| hint(job, generation)).collect()
}

/// Watches Redis for as long as the process takes jobs.
///
/// A missing epoch key means that its memory is new: whatever was handed out is offered again at once. Redis away for
/// longer than our patience means that jobs come straight from PostgreSQL until it is back.
pub(crate) async fn watch(engine: Arc<Engine>, mut conn: ConnectionManager) {
    let settings = &engine.app.settings;
    let epoch_key = format!("{}:jobs:epoch", settings.redis.prefix);
    let mut answered = Instant::now();
    while !engine.draining.is_cancelled() {
        match conn.set_nx::<_, _, bool>(&epoch_key, &engine.name).await {
            Ok(new_memory) => {
                answered = Instant::now();
                if new_memory {
                    offer_everything_again(&engine, "redis_epoch").await;
                    metrics::REDIS_EPOCH.inc();
                }
                switch(&engine, false).await;
            }
            Err(error) if answered.elapsed() > settings.jobs.redis_patience => {
                tracing::debug!(target: "jobs", %error, "Redis does not answer");
                switch(&engine, true).await;
            }
            Err(error) => tracing::warn!(target: "jobs", %error, "Redis does not answer"),
        }
        tokio::select! {
            () = engine.draining.cancelled() => return,
            () = tokio::time::sleep(WATCH_EVERY) => {}
        }
    }
}

/// Changes the transport, if it is another one.
pub(crate) async fn switch(engine: &Engine, direct: bool) {
    if engine.direct.swap(direct, Ordering::Relaxed) == direct {
        return;
    }
    show_mode(direct);
    if direct {
        tracing::warn!(target: "jobs", "Redis is away: jobs come straight from PostgreSQL");
        offer_everything_again(engine, "dispatch_timeout").await;
    } else {
        tracing::info!(target: "jobs", "Redis is back: jobs come through it again");
    }
    engine.lanes.iter().for_each(|lane| lane.bell.notify_one());
}

/// Shows the transport in use.
pub(crate) fn show_mode(direct: bool) {
    metrics::TRANSPORT_MODE.with_label_values(&["redis"]).set(i64::from(!direct));
    metrics::TRANSPORT_MODE.with_label_values(&["direct"]).set(i64::from(direct));
}

async fn offer_everything_again(engine: &Engine, reason: &str) {
    let offered = async {
        let conn = &mut engine.app.db.read().await?;
        let mut offered = 0;
        for queue in Queue::ALL {
            offered += jobs::offer_everything_again(conn, *queue).await?;
        }
        Ok::<_, Error>(offered)
    };
    match offered.await {
        Ok(0) => {}
        Ok(offered) => {
            tracing::warn!(target: "jobs", offered, reason, "handed-out jobs are offered again");
            metrics::JOB_RESCUED
                .with_label_values(&[reason])
                .inc_by(u64::try_from(offered).unwrap_or(0));
            engine.lanes.iter().for_each(|lane| lane.bell.notify_one());
        }
        // The dispatch timeout offers them later.
        Err(error) => {
            tracing::error!(target: "jobs", error = error.causes(), "handed-out jobs cannot be offered again now");
        }
    }
}

/// What a lane's transport worker has fetched and nobody has started: it would wait for the dispatch timeout.
pub(crate) async fn fetched(
    engine: &Engine,
    lane: &Lane,
    conn: &mut ConnectionManager,
) -> Result<Hints> {
    let config = config(&engine.app.settings.redis, lane.queue, lane.capacity);
    let name = transport_name(engine, lane, lane.transport_restarts.load(Ordering::Relaxed));
    let held = format!("{}:{name}", config.inflight_jobs_set());
    let ids: Vec<String> = conn.smembers(held).await.map_err(Error::unavailable)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let messages: Vec<Option<Vec<u8>>> = ::redis::cmd("HMGET")
        .arg(config.job_data_hash())
        .arg(ids)
        .query_async(conn)
        .await
        .map_err(Error::unavailable)?;
    let known = messages.iter().flatten();
    Ok(known
        .filter_map(|raw| serde_json::from_slice(raw).ok())
        .flat_map(|message| hints(&message))
        .collect())
}

/// Removes what apalis keeps of finished messages for ever: ids, payloads and metadata.
pub(crate) async fn prune(engine: Arc<Engine>, mut conn: ConnectionManager) {
    let script = Script::new(
        "local ids = redis.call('spop', KEYS[1], ARGV[1])
         for _, id in ipairs(ids) do
             redis.call('hdel', KEYS[2], id)
             redis.call('del', KEYS[3] .. ':' .. id)
         end
         return #ids",
    );
    while !engine.draining.is_cancelled() {
        let mut pruned = 0;
        for lane in &engine.lanes {
            let config = config(&engine.app.settings.redis, lane.queue, lane.capacity);
            for finished in [config.done_jobs_set(), config.dead_jobs_set()] {
                let mut call = script.prepare_invoke();
                call.key(finished)
                    .key(config.job_data_hash())
                    .key(config.job_meta_hash())
                    .arg(PRUNE_BATCH);
                pruned = call.invoke_async::<usize>(&mut conn).await.unwrap_or(0).max(pruned);
            }
        }
        let pause =
            if pruned == PRUNE_BATCH { Duration::from_millis(20) } else { Duration::from_secs(1) };
        tokio::select! {
            () = engine.draining.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;
    use shared::jobs::Dispatched;

    use super::{hints, message};

    fn row(id: i64, dispatch_gen: i32) -> Dispatched {
        Dispatched { id, dispatch_gen, trace_id: None, run_at: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn a_message_says_what_was_handed_out_and_nothing_else() {
        let rows = [row(7, 1), row(8, 3), row(9, 2)];
        let [first, more @ ..] = &rows;
        assert_eq!(hints(&message(first, more)), [(7, 1), (8, 3), (9, 2)]);
        assert_eq!(hints(&message(first, &[])), [(7, 1)]);
        assert_eq!(
            message(first, &[]),
            json!({ "job": 7, "generation": 1, "trace": null }),
            "alone it is what older releases read"
        );
        for foreign in [json!(null), json!({ "job": "x" }), json!([1]), json!({ "more": [[1]] })] {
            assert_eq!(hints(&foreign), []);
        }
    }
}
