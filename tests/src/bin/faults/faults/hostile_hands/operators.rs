//! Operators pause and resume a queue, revive jobs whose effect is there, and cancel what runs.

use std::sync::Arc;
use std::time::Duration;

use shared::audit::Actor;
use shared::jobs::Queue;
use shared::jobs::operate::{self, Dead, Operator};
use shared::{Db, Outcome};
use tests::RedisServer;
use tests::kinds::{Coin, Mark};

use crate::load::{Load, Rates};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{World, within};

/// Releases that were paid die after the fact: somebody will want them again.
const BURY: &str = "WITH buried AS (
        UPDATE jobs SET state = 'dead' WHERE kind = 'release_escrow_payment' AND state = 'done'
        RETURNING id, attempt, worker, started_at)
    INSERT INTO job_attempts (job_id, attempt, worker, outcome, started_at)
    SELECT id, attempt, worker, 'dead', started_at FROM buried";
/// What an operator did, and whether it is on record.
const RECORDED: &str = "SELECT count(DISTINCT action) FROM audit_log
    WHERE action IN ('jobs.pause', 'jobs.resume', 'jobs.retry_dead', 'jobs.cancel')";

pub(super) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "operators", &redis.url()).await);
    let workers = world.workers(&["a", "b"], plan.undying()).await;
    let load = Load::start(&world, Rates::steady(plan.full));
    let mut verdict = Verdict { injections: 3, ..Verdict::default() };
    pause(&world, &mut verdict).await;
    revive(&world).await;
    cancel(&world, &mut verdict).await;
    let recorded = world.sql.number(RECORDED).await;
    verdict.require(recorded == 4, format!("{recorded} of 4 commands are in the audit log"));
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
    let paused =
        db(world).transaction(async |tx| operate::pause(tx, &operator(), Queue::Default).await);
    assert_eq!(paused.await.expect("pauses"), Outcome::Done);
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
    let resumed =
        db(world).transaction(async |tx| operate::resume(tx, &operator(), Queue::Default).await);
    assert_eq!(resumed.await.expect("resumes"), Outcome::Done);
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
    world.sql.execute(BURY).await;
    let kind = "release_escrow_payment".to_owned();
    let dead = Dead { kind, died_before: None, limit: 1_000 };
    let revived = operate::retry_dead(db(world), &operator(), &dead).await.expect("revives");
    assert!(revived.changed >= 2 && revived.skipped == 0, "{revived:?}");
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
    let unwanted = world.sql.number("SELECT id FROM jobs WHERE args ->> 'key' = 'unwanted'").await;
    let asked = db(world).transaction(async |tx| operate::cancel(tx, &operator(), unwanted).await);
    assert_eq!(asked.await.expect("cancels"), Outcome::Done);
    let took = within(Duration::from_secs(8), "the unwanted job is cancelled", async || {
        world.sql.number(&cancelled).await == 1
    })
    .await;
    let left = world.sql.number("SELECT count(*) FROM test_marks WHERE key = 'unwanted'").await;
    verdict.require(left == 0, "a cancelled run has left its mark");
    verdict.notes.push(format!("a cancelled run stopped after {took:.1?}"));
}

fn db(world: &World) -> &Db {
    &world.app.db
}

fn operator() -> Operator {
    Operator::new(Actor::Operator("campaign"), Some("the fault campaign")).expect("a short reason")
}
