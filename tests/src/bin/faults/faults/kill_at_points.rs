//! 2. A worker is killed at each named point of a job's way, in the queue of money and in the default one.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;
use tests::{PROBE_VARIABLE, RedisServer};

use crate::load::{Load, mark, sale};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{World, within};

const POINTS: [&str; 6] =
    ["before_claim", "after_claim", "before_commit", "after_commit", "after_mark", "after_push"];
const QUEUES: [&str; 2] = ["money", "default"];
/// Worlds of a full run beside each other.
const BESIDE: usize = 4;

pub(crate) async fn play(plan: Plan) -> Verdict {
    let (mut dice, mut verdict) = (plan.dice(), Verdict::default());
    for first in (0..plan.pick(1, 100)).step_by(BESIDE) {
        let last = plan.pick(1, 100).min(first + BESIDE);
        let worlds = (first..last).map(|number| {
            // In the queue of money there are only releases, and fewer of them.
            let passes = QUEUES.map(|queue| {
                POINTS.map(|_| if queue == "money" { 1 } else { dice.random_range(1..4) })
            });
            every_point(plan, number, passes)
        });
        for part in futures::future::join_all(worlds).await {
            verdict.add(part);
        }
    }
    verdict
}

/// One victim per point and queue, all at once; then two workers that live.
async fn every_point(plan: Plan, number: usize, passes: [[u32; 6]; 2]) -> Verdict {
    let redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, &format!("kill-points-{number}"), &redis.url()).await);
    let mut load = Load::idle(&world);
    load.repeat(30, mark);
    for _ in 0..3 {
        load.repeat(3, sale);
    }
    let mut victims = Vec::new();
    let places = QUEUES.iter().zip(passes).flat_map(|(queue, passes)| {
        POINTS.iter().zip(passes).map(move |(point, nth)| (*queue, *point, nth))
    });
    for (queue, point, nth) in places {
        // No victim's job is another's while they die: three crashes would be one too many.
        let settings = [
            (PROBE_VARIABLE, &*format!("{point}:{nth}:kill")),
            ("WORKER_QUEUES", queue),
            ("WORKER_SLOTS", "money=1,default=1"),
            ("JOBS_LEASE", "5s"),
        ];
        victims.push((world.worker(&format!("{queue}-{point}"), &settings), point, queue));
    }
    for (victim, point, queue) in &mut victims {
        let what = format!("a worker of {queue} dies {point}");
        within(Duration::from_secs(25), &what, async || victim.process.ended().is_some()).await;
    }
    let workers = world.workers(&["c", "d"], &[]).await;
    let books = load.stop().await;
    world.settle(plan.offered_again_within()).await;
    let bound = plan.offered_again_within() + plan.seconds(10, 10);
    let mut verdict =
        judge(&world, &books, &Expected { crashes: 2, retries: true, ..Expected::nothing(bound) })
            .await;
    verdict.injections = u64::try_from(victims.len()).expect("few");
    drop(workers);
    world.finish().await;
    verdict
}
