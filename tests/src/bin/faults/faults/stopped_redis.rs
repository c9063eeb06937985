//! 4. Redis is stopped, and comes back empty: jobs run without it, and through it again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tests::RedisServer;

use crate::load::{Load, Rates};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{World, within};

pub(crate) async fn play(plan: Plan) -> Verdict {
    let mut redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "stop-redis", &redis.url()).await);
    let workers = world.workers(&["a", "b"], plan.undying()).await;
    let load = Load::start(&world, Rates::steady(plan.full));
    let (books, mut verdict) = (Arc::clone(&load.books), Verdict::default());
    let began = Instant::now();
    tokio::time::sleep(plan.seconds(2, 20)).await;

    redis.stop();
    verdict.injections = 1;
    let stopped = Instant::now();
    let patience = plan.seconds(1, 10);
    verdict.recovered(world.starts_again(plan.seconds(10, 20), "without").await);
    verdict.notes.push(format!("jobs ran without Redis after {:.2?}", stopped.elapsed()));
    tokio::time::sleep(plan.seconds(3, 60).saturating_sub(stopped.elapsed())).await;
    let (before, during) = (books.p99(began, stopped), books.p99(stopped, Instant::now()));
    verdict.notes.push(format!("p99 of requests: {before:.0?} before, {during:.0?} without Redis"));
    let bound = (3 * before).max(Duration::from_secs(2));
    verdict.require(
        during <= bound,
        format!("requests took {during:?} without Redis, {before:?} with it"),
    );

    redis.restart().await;
    let back = within(plan.seconds(10, 30), "jobs go through Redis again", async || {
        let key = format!("through-{:?}", Instant::now());
        world.order(&key, &tests::kinds::Mark { key: key.clone(), takes_ms: 0 }).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let through = "SELECT count(*) FROM jobs WHERE state = 'done' AND dispatch_gen > 0 AND args ->> 'key' LIKE 'through-%'";
        world.sql.number(through).await > 0
    })
    .await;
    verdict.notes.push(format!("jobs went through Redis again after {back:.2?}"));

    let books = load.stop().await;
    world.settle(plan.resumed_within()).await;
    let bound = patience + plan.seconds(6, 10);
    verdict.add(judge(&world, &books, &Expected::nothing(bound)).await);
    drop(workers);
    world.finish().await;
    verdict
}
