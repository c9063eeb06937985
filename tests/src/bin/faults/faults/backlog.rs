//! 6. A deep backlog, half of it due at one second: Redis is not flooded, and money is not delayed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tests::RedisServer;
use tests::kinds::Coin;

use crate::load::{Load, Rates};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::World;

/// What Redis may hold of a queue: half of the design's bound, with these few slots; 8,000 would wedge it.
const WINDOW_MAX: i64 = 1_000;
/// Money starts within this, at the 99th percentile.
const MONEY_WITHIN: Duration = Duration::from_secs(1);
/// Coins per second meanwhile.
const COINS: u64 = 5;

pub(crate) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "backlog", &redis.url()).await);
    let (deep, herd) = plan.pick((10_000, 5_000), (100_000, 50_000));
    fill(&world, deep, herd).await;
    let workers = world.workers(&["a", "b"], plan.undying()).await;
    let load = Load::start(&world, Rates { orders: 0, deposits: 1, sales: 1, withdrawals: 1 });
    let mut watched = Watched::default();
    let limit = plan.seconds(75, 900);
    let started = Instant::now();
    let left =
        "SELECT count(*) FROM jobs WHERE kind IN ('test_mark', 'test_nothing') AND state <> 'done'";
    while world.sql.number(left).await > 0 {
        assert!(
            started.elapsed() < limit,
            "the backlog is not worked off in {limit:?}: {watched:?}"
        );
        watched.look(&world, &redis).await;
        let key = format!("coin-{}", watched.coins);
        watched.coins += 1;
        world.order(&key, &Coin { key: key.clone() }).await;
        tokio::time::sleep(Duration::from_millis(1_000 / COINS)).await;
    }
    let drained = started.elapsed();
    let books = load.stop().await;
    world.settle(Duration::from_secs(10)).await;

    let mut verdict = judge(&world, &books, &Expected::nothing(limit)).await;
    verdict.injections = 2;
    // What is deep waits for its turn; what is bounded is the wait of money.
    (verdict.worst, verdict.bound) = (money_p99(&world).await, MONEY_WITHIN);
    verdict.require(
        watched.dispatched.max(watched.hints) <= WINDOW_MAX,
        format!("Redis held {} hints, {} were handed out", watched.hints, watched.dispatched),
    );
    let once = world.sql.number("SELECT count(*) FROM jobs WHERE kind = 'test_nothing' AND state = 'done' AND attempt = 1").await;
    verdict.lost += i64::from(deep) - once;
    verdict.notes.push(format!(
        "{} jobs in {:.1} s; at most {} handed out and {} in Redis",
        deep + herd,
        drained.as_secs_f64(),
        watched.dispatched,
        watched.hints
    ));
    drop(workers);
    world.finish().await;
    verdict
}

/// The most of anything that was seen.
#[derive(Debug, Default)]
struct Watched {
    dispatched: i64,
    hints: i64,
    coins: u64,
}

impl Watched {
    async fn look(&mut self, world: &World, redis: &RedisServer) {
        let dispatched =
            "SELECT count(*) FROM jobs WHERE state = 'dispatched' AND queue = 'default'";
        self.dispatched = self.dispatched.max(world.sql.number(dispatched).await);
        let queue = format!("{}:jobs:default", world.name);
        let mut conn = redis::Client::open(redis.url())
            .expect("a URL")
            .get_connection()
            .expect("Redis answers");
        let (scheduled, active): (i64, i64) = redis::pipe()
            .zcard(format!("{queue}:scheduled"))
            .llen(format!("{queue}:active"))
            .query(&mut conn)
            .expect("counts");
        self.hints = self.hints.max(scheduled + active);
    }
}

/// A backlog of jobs that leave nothing, and a herd of marks that are all due at one second a little later.
async fn fill(world: &World, deep: u32, herd: u32) {
    world
        .sql
        .execute(&format!(
            "INSERT INTO jobs (kind, queue, args, max_attempts)
             SELECT 'test_nothing', 'default', '{{}}', 12 FROM generate_series(1, {deep});
             WITH moment AS MATERIALIZED (SELECT date_trunc('second', clock_timestamp()) + interval '4 seconds' AS due),
             ordered AS (INSERT INTO test_orders (key, due)
                         SELECT 'herd-' || n, due FROM generate_series(1, {herd}) n, moment RETURNING key, due)
             INSERT INTO jobs (kind, queue, args, max_attempts, run_at)
             SELECT 'test_mark', 'default', jsonb_build_object('key', key), 12, due FROM ordered"
        ))
        .await;
}

async fn money_p99(world: &World) -> Duration {
    let p99 = "SELECT percentile_disc(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM j.started_at - o.due) * 1000)
               FROM jobs j JOIN test_orders o ON o.key = j.args ->> 'key' WHERE j.kind = 'test_coin'";
    Duration::from_millis(u64::try_from(world.sql.number(p99).await).unwrap_or(0))
}
