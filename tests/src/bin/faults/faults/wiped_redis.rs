//! 3. Redis is wiped under load: a lost hint is no failed attempt.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;
use tests::RedisServer;

use crate::load::{Load, Rates};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::World;

pub(crate) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "wipe", &redis.url()).await);
    let told = [&[("WORKER_QUEUES", "money,default,mail")], plan.undying()].concat();
    let workers = world.workers(&["a", "b"], &told).await;
    let rates = Rates { orders: plan.pick(30, 100), ..Rates::steady(plan.full) };
    let load = Load::start(&world, rates);
    let (mut dice, mut verdict) = (plan.dice(), Verdict::default());
    for wipe in 0..plan.pick(3, 10) {
        tokio::time::sleep(Duration::from_millis(dice.random_range(700..1_500))).await;
        redis.wipe();
        verdict.injections += 1;
        verdict.recovered(world.starts_again(plan.resumed_within(), &format!("wipe-{wipe}")).await);
    }
    let books = load.stop().await;
    world.settle(plan.resumed_within()).await;
    verdict.add(judge(&world, &books, &Expected::nothing(plan.resumed_within())).await);
    drop(workers);
    world.finish().await;
    verdict
}
