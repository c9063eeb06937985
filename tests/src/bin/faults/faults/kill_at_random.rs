//! 1. Workers are killed at random, and others go on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng as _;
use tests::RedisServer;

use crate::load::{Load, Rates};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::World;

pub(crate) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "kill-random", &redis.url()).await);
    let mut workers = world.workers(&["a", "b", "c"], &[]).await;
    let load = Load::start(&world, Rates::steady(plan.full));
    let (mut dice, mut kills) = (plan.dice(), 0);
    let until = Instant::now() + plan.seconds(5, 60);
    while Instant::now() < until {
        let gap = plan.pick(1_000..2_500, 2_000..5_000);
        tokio::time::sleep(Duration::from_millis(dice.random_range(gap))).await;
        kills += 1;
        let victim = dice.random_range(0..workers.len());
        workers[victim].process.kill();
        workers[victim] = world.worker(&format!("after-{kills}"), &[]);
    }
    let books = load.stop().await;
    world.settle(plan.offered_again_within()).await;
    let expected = Expected {
        crashes: kills,
        retries: true,
        ..Expected::nothing(plan.offered_again_within())
    };
    let mut verdict = judge(&world, &books, &expected).await;
    verdict.injections = kills.unsigned_abs();
    world.finish().await;
    verdict
}
