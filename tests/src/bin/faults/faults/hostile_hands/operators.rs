//! Operators pause and resume a queue, revive jobs whose effect is there, and cancel what runs.

use std::sync::Arc;
use std::time::Duration;

use tests::RedisServer;
use tests::kinds::{Coin, Mark};

use crate::load::{Load, Rates};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{World, within};

const PAUSE: &str =
    "INSERT INTO job_queues (queue, paused_at, paused_by) VALUES ('default', now(), 'campaign')";
const RESUME: &str = "DELETE FROM job_queues WHERE queue = 'default'; NOTIFY wibe_jobs";
/// As if every release had died, and somebody had asked for all of them again.
const REVIVE: &str =
    "UPDATE jobs SET state = 'pending', attempt = 0, run_at = app_now(), finished_at = NULL
    WHERE kind = 'release_escrow_payment' AND state = 'done'; NOTIFY wibe_jobs";
const CANCEL: &str = "INSERT INTO job_cancellations (job_id, requested_by)
    SELECT id, 'campaign' FROM jobs WHERE args ->> 'key' = 'unwanted'";

pub(super) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "operators", &redis.url()).await);
    let workers = world.workers(&["a", "b"], plan.undying()).await;
    let load = Load::start(&world, Rates::steady(plan.full));
    let mut verdict = Verdict { injections: 3, ..Verdict::default() };
    pause(&world, &mut verdict).await;
    revive(&world).await;
    cancel(&world, &mut verdict).await;
    let books = load.stop().await;
    world.settle(plan.resumed_within()).await;
    let expected = Expected { retries: true, ..Expected::nothing(plan.resumed_within()) };
    verdict.add(judge(&world, &books, &expected).await);
    drop(workers);
    world.finish().await;
    verdict
}

/// Nothing of a paused queue starts, other queues go on, and it goes on when it is resumed.
async fn pause(world: &World, verdict: &mut Verdict) {
    world.sql.execute(PAUSE).await;
    // What was claimed before is finished.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for number in 0..5 {
        let key = format!("paused-{number}");
        world.order(&key, &Mark { key: key.clone(), takes_ms: 0 }).await;
    }
    world.order("not-paused", &Coin { key: "not-paused".to_owned() }).await;
    within(Duration::from_secs(5), "money goes on while another queue is paused", async || {
        world.sql.number("SELECT count(*) FROM test_marks WHERE key = 'not-paused'").await == 1
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let started = "SELECT count(*) FROM jobs WHERE args ->> 'key' LIKE 'paused-%' AND state IN ('running', 'done')";
    let started = world.sql.number(started).await;
    verdict.require(started == 0, format!("{started} jobs of a paused queue have started"));
    world.sql.execute(RESUME).await;
    let resumed = world.starts_again(Duration::from_secs(10), "resumed").await;
    verdict.notes.push(format!("a resumed queue went on after {resumed:.1?}"));
}

/// Releases that were paid run again and find their effect: the oracle counts the legs.
async fn revive(world: &World) {
    const PAID: &str =
        "SELECT count(*) FROM jobs WHERE kind = 'release_escrow_payment' AND state = 'done'";
    within(Duration::from_secs(20), "some sellers are paid", async || {
        world.sql.number(PAID).await >= 2
    })
    .await;
    world.sql.execute(REVIVE).await;
}

/// A run that is not wanted any more stops at its next await, and leaves nothing.
async fn cancel(world: &World, verdict: &mut Verdict) {
    world.order("unwanted", &Mark { key: "unwanted".to_owned(), takes_ms: 12_000 }).await;
    let is = |state| {
        format!("SELECT count(*) FROM jobs WHERE args ->> 'key' = 'unwanted' AND state = '{state}'")
    };
    let (running, cancelled) = (is("running"), is("cancelled"));
    within(Duration::from_secs(10), "the unwanted job runs", async || {
        world.sql.number(&running).await == 1
    })
    .await;
    world.sql.execute(CANCEL).await;
    let took = within(Duration::from_secs(8), "the unwanted job is cancelled", async || {
        world.sql.number(&cancelled).await == 1
    })
    .await;
    let left = world.sql.number("SELECT count(*) FROM test_marks WHERE key = 'unwanted'").await;
    verdict.require(left == 0, "a cancelled run has left its mark");
    verdict.notes.push(format!("a cancelled run stopped after {took:.1?}"));
}
