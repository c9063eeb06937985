//! 10. The clocks of hosts are two hours off, both ways: only the database's decides.

use std::sync::Arc;
use std::time::Duration;

use tests::RedisServer;
use tests::environment;
use tests::kinds::Mark;

use crate::load::{Load, Rates};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{World, within};

pub(crate) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "skew", &redis.url()).await);
    let library = environment().faketime.to_str().expect("a UTF-8 path");
    let lease = ("JOBS_LEASE", plan.pick("2s", "20s"));
    let queues = ("WORKER_QUEUES", "money,default,bulk");
    let unshifted = ("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let off = |by| [queues, lease, ("LD_PRELOAD", library), ("FAKETIME", by), unshifted];
    let (ahead, behind) = (off("+2h"), off("-2h"));
    let workers = [
        world.worker("ahead", &ahead),
        world.worker("behind", &behind),
        world.worker("right", &[queues, lease]),
    ];
    for worker in &workers {
        worker.ready().await;
    }
    let schedulers =
        [world.scheduler("ticks-ahead", &ahead), world.scheduler("ticks-behind", &behind)];

    let many = plan.pick(60, 600);
    later(&world, many, plan.pick(5, 50)).await;
    // Longer than a lease: whoever trusts a host's clock takes it away.
    for number in 0..6 {
        let key = format!("long-{number}");
        world.order(&key, &Mark { key: key.clone(), takes_ms: plan.pick(4_500, 12_000) }).await;
    }
    let load = Load::start(&world, Rates::steady(plan.full));
    // Moving the clock would make the others early.
    within(plan.seconds(30, 120), "what was due later is done", async || {
        world.sql.number("SELECT count(*) FROM test_marks WHERE key LIKE 'later-%'").await
            >= many.into()
    })
    .await;
    world.ticks(Duration::from_secs(15)).await;
    drop(schedulers);
    let books = load.stop().await;
    world.settle(plan.offered_again_within()).await;

    let mut verdict = judge(&world, &books, &Expected::nothing(plan.offered_again_within())).await;
    verdict.injections = 4;
    let early = world
        .sql.texts(
            "SELECT o.key || ' by ' || j.worker FROM test_orders o JOIN jobs j ON j.args ->> 'key' = o.key
             WHERE j.started_at < o.due - interval '1 millisecond' AND o.key LIKE 'later-%' LIMIT 5",
        )
        .await;
    verdict.require(early.is_empty(), format!("started early: {early:?}"));
    let future =
        world.sql.number("SELECT count(*) FROM cron_ticks WHERE tick_at > app_now()").await;
    verdict.require(future == 0, format!("{future} ticks of the future have fired"));
    let ran = world.sql.texts("SELECT split_part(worker, '-', 1) || ' ran ' || count(*) FROM jobs WHERE state = 'done' GROUP BY split_part(worker, '-', 1) ORDER BY 1").await;
    verdict.notes.push(ran.join(", "));
    drop(workers);
    world.finish().await;
    verdict
}

/// Orders marks that are due one after another over the next seconds.
async fn later(world: &World, many: u32, seconds: u32) {
    world
        .sql.execute(&format!(
            "WITH ordered AS (INSERT INTO test_orders (key, due)
                              SELECT 'later-' || n, now() + n * interval '{seconds} seconds' / {many}
                              FROM generate_series(1, {many}) n RETURNING key, due)
             INSERT INTO jobs (kind, queue, args, max_attempts, run_at)
             SELECT 'test_mark', 'default', jsonb_build_object('key', key), 12, due FROM ordered"
        ))
        .await;
}
