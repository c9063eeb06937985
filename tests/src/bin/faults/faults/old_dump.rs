//! 5. Redis comes back from an old dump: hints of jobs that are long done, and no memory of newer ones.

use std::sync::Arc;
use std::time::Duration;

use tests::RedisServer;
use tests::kinds::Mark;

use crate::load::{Load, Rates};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{World, within};

/// What a worker with one slow slot leaves in Redis when the dump is taken.
const SLOW: u64 = 30;

pub(crate) async fn play(plan: Plan) -> Verdict {
    let mut redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "old-dump", &redis.url()).await);
    let slots = [&[("WORKER_SLOTS", "default=2,money=2")], plan.undying()].concat();
    let workers = world.workers(&["a"], &slots).await;
    for number in 0..SLOW {
        let key = format!("slow-{number}");
        world.order(&key, &Mark { key: key.clone(), takes_ms: 400 }).await;
    }
    within(Duration::from_secs(20), "hints wait in Redis", async || {
        world.sql.number("SELECT count(*) FROM jobs WHERE state = 'dispatched'").await > 10
    })
    .await;
    let dump = redis.save();
    world.settle(Duration::from_secs(20)).await;

    let load = Load::start(&world, Rates::steady(plan.full));
    tokio::time::sleep(plan.seconds(2, 300)).await;
    let stale = ("job_stale_delivery_total", "");
    let before = workers[0].metric(stale.0, stale.1).await;
    redis.restore(&dump).await;
    let mut verdict = Verdict { injections: 1, ..Verdict::default() };
    verdict.recovered(world.starts_again(plan.offered_again_within(), "restored").await);
    tokio::time::sleep(plan.seconds(2, 20)).await;
    let books = load.stop().await;
    world.settle(plan.offered_again_within()).await;

    let stale = workers[0].metric(stale.0, stale.1).await - before;
    verdict.notes.push(format!("{stale} stale deliveries"));
    verdict.require(stale > 0, "no stale delivery was counted");
    let expected = Expected { retries: true, ..Expected::nothing(plan.offered_again_within()) };
    verdict.add(judge(&world, &books, &expected).await);
    drop(workers);
    world.finish().await;
    verdict
}
