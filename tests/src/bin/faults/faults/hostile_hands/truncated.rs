//! `TRUNCATE jobs` under load: the business tables know what is due.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tests::RedisServer;

use crate::load::{Load, deposit, sale};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{World, within};

/// What is delivered and waits for its release when its timer is forgotten is remembered for the oracle.
const FORGET: &str = "BEGIN; LOCK TABLE jobs;
    CREATE TABLE test_forgotten AS SELECT id FROM escrows WHERE status = 'delivered';
    TRUNCATE jobs, job_attempts; COMMIT";

pub(super) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let day = [("ESCROW_RELEASE_AFTER", "24h")];
    let world = Arc::new(World::start_with(plan, "truncate", &redis.url(), &day).await);
    let told = [&[("WORKER_QUEUES", "money,default,bulk")], plan.undying()].concat();
    let workers = world.workers(&["a", "b"], &told).await;
    let scheduler = world.scheduler("ticker", &[]);
    world.ticks(Duration::from_secs(20)).await;
    let mut load = Load::idle(&world);
    load.repeat(2, sale);
    load.repeat(2, deposit);
    tokio::time::sleep(plan.seconds(1, 30)).await;
    within(Duration::from_secs(20), "some deals wait for their release", async || {
        world.sql.number("SELECT count(*) FROM escrows WHERE status = 'delivered'").await >= 3
    })
    .await;
    world.sql.execute(FORGET).await;
    tokio::time::sleep(plan.seconds(1, 10)).await;
    let books = load.stop().await;

    world.advance("24 hours 1 minute").await;
    let bound = plan.seconds(20, 60);
    let released = world.released_within(bound).await;
    drop(scheduler);
    world.settle(Duration::from_secs(15)).await;
    let expected = Expected { forgotten: true, ..Expected::nothing(bound) };
    let mut verdict = judge(&world, &books, &expected).await;
    verdict.injections = 1;
    verdict.recovered(released);
    let forgotten = world.sql.number("SELECT count(*) FROM test_forgotten").await;
    let mut found = 0;
    for worker in &workers {
        found += worker.metric("reconciler_found_without_job_total", "escrow_release").await;
    }
    verdict.require(forgotten > 0, "nothing was forgotten");
    verdict
        .require(found == forgotten, format!("{forgotten} releases were forgotten, {found} found"));
    verdict
        .notes
        .push(format!("{forgotten} forgotten releases were found and paid in {released:.1?}"));
    drop(workers);
    world.finish().await;
    verdict
}

impl World {
    /// Waits until no release is overdue, while ticks go on; says how long it took.
    async fn released_within(&self, bound: Duration) -> Duration {
        const OVERDUE: &str =
            "SELECT count(*) FROM escrows WHERE status = 'delivered' AND release_at <= app_now()";
        let started = Instant::now();
        while self.sql.number(OVERDUE).await > 0 {
            assert!(started.elapsed() < bound, "overdue releases are not paid within {bound:?}");
            self.ticks(bound).await;
        }
        started.elapsed()
    }
}
