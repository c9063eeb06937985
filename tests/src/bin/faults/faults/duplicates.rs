//! 9. Every message is delivered three times, shuffled: two of three claim nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use rand::Rng as _;
use rand::rngs::StdRng;
use tests::RedisServer;

use crate::load::{Load, Rates};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{World, within};

/// How many times more each message is pushed.
const COPIES: i64 = 2;

pub(crate) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "thrice", &redis.url()).await);
    let copier = Copier::start(&redis.url(), plan.dice()).await;
    let workers = world.workers(&["a", "b"], plan.undying()).await;
    let load = Load::start(&world, Rates::steady(plan.full));
    tokio::time::sleep(plan.seconds(5, 60)).await;
    let books = load.stop().await;
    world.settle(plan.resumed_within()).await;

    let mut verdict = Verdict::default();
    let mut stale = 0;
    within(Duration::from_secs(15), "every copy is delivered and claims nothing", async || {
        stale = 0;
        for worker in &workers {
            stale += worker.metric("job_stale_delivery_total", "").await;
        }
        stale >= COPIES * copier.pushed()
    })
    .await;
    let pushed = copier.pushed();
    verdict.injections = (COPIES * pushed).unsigned_abs();
    verdict.require(
        stale == COPIES * pushed,
        format!("{stale} of {pushed} messages and twice as many copies were stale"),
    );
    verdict.require(pushed > 20, format!("only {pushed} messages"));
    verdict.notes.push(format!("{pushed} messages, {stale} stale deliveries"));
    verdict.add(judge(&world, &books, &Expected::nothing(plan.resumed_within())).await);
    drop(workers);
    world.finish().await;
    verdict
}

/// Listens to what Redis is told, and pushes every message again under other names.
struct Copier {
    pushed: Arc<AtomicI64>,
    task: tokio::task::JoinHandle<()>,
}

impl Copier {
    async fn start(url: &str, mut dice: StdRng) -> Self {
        let client = redis::Client::open(url).expect("a URL");
        let mut heard = client
            .get_async_monitor()
            .await
            .expect("Redis lets us listen")
            .into_on_message::<String>();
        let conn = client.get_multiplexed_async_connection().await.expect("Redis answers");
        let pushed = Arc::new(AtomicI64::new(0));
        let count = Arc::clone(&pushed);
        let task = tokio::spawn(async move {
            while let Some(line) = heard.next().await {
                let Some((queue, id, message)) = message_of(&line) else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                for copy in 0..COPIES {
                    // Shuffled: a copy overtakes messages that were pushed after it.
                    let wait = Duration::from_millis(dice.random_range(0..250));
                    let (queue, id) = (queue.clone(), format!("{id}-copy-{copy}"));
                    let (message, mut conn) = (message.clone(), conn.clone());
                    tokio::spawn(async move {
                        tokio::time::sleep(wait).await;
                        // As apalis-redis pushes, but past its clock.
                        redis::pipe()
                            .atomic()
                            .hset_nx(format!("{queue}:data"), &id, message)
                            .hset(format!("{queue}:meta:{id}"), "attempts", 0)
                            .hset(format!("{queue}:meta:{id}"), "max_attempts", 25)
                            .hset(format!("{queue}:meta:{id}"), "status", "Pending")
                            .rpush(format!("{queue}:active"), &id)
                            .query_async::<()>(&mut conn)
                            .await
                            .expect("a copy is pushed");
                    });
                }
            }
        });
        Self { pushed, task }
    }

    fn pushed(&self) -> i64 {
        self.pushed.load(Ordering::SeqCst)
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The queue, the id and the message of a push, as Redis tells what its scripts do:
/// `1700000000.123 [0 lua] "hsetnx" "wibe:jobs:default:data" "42:1" "{\"job\":42,…}"`.
fn message_of(line: &str) -> Option<(String, String, String)> {
    let (_, words) = line.split_once("[0 lua] \"hsetnx\" \"")?;
    let mut words = words.splitn(3, "\" \"");
    let queue = words.next()?.strip_suffix(":data")?.to_owned();
    let id = words.next()?.to_owned();
    let message = words.next()?.strip_suffix('"')?.replace("\\\"", "\"");
    Some((queue, id, message))
}
