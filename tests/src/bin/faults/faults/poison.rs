//! 12. Poison: a job that aborts its process, one whose arguments are nonsense, and one that nobody knows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::jobs;
use tests::RedisServer;
use tests::kinds::Crash;

use crate::load::{Load, Rates};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::World;

/// Others count as undisturbed when they start within this.
const UNDISTURBED: &str = "5 seconds";

pub(crate) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "poison", &redis.url()).await);
    let mut workers = world.workers(&["a", "b", "c"], &[]).await;
    let rates = Rates { orders: plan.pick(25, 80), deposits: 1, sales: 1, withdrawals: 1 };
    let load = Load::start(&world, rates);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let poisoned = world.sql.texts("SELECT clock_timestamp()").await.remove(0);
    record_poison(&world).await;

    let (mut deaths, started) = (0, Instant::now());
    let (bound, dead) = (
        plan.seconds(25, 120),
        "SELECT count(*) FROM jobs WHERE kind = 'test_crash' AND state = 'dead'",
    );
    while world.sql.number(dead).await == 0 {
        assert!(started.elapsed() < bound, "the poison is not dead after {bound:?}");
        for worker in workers.iter_mut().filter_map(|worker| worker.process.ended().map(|_| worker))
        {
            deaths += 1;
            *worker = world.worker(&format!("after-{deaths}"), &[]);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = started.elapsed();
    let dead_at = world.sql.texts("SELECT clock_timestamp()").await.remove(0);
    let books = load.stop().await;
    world.settle(plan.offered_again_within()).await;
    let others = format!(
        "SELECT 100 * count(*) FILTER (WHERE j.started_at - o.due < interval '{UNDISTURBED}') / greatest(1, count(*))
         FROM test_orders o JOIN jobs j ON j.args ->> 'key' = o.key
         WHERE o.due BETWEEN '{poisoned}' AND '{dead_at}'"
    );
    let others = world.sql.number(&others).await;

    let expected = Expected {
        dead: &["test_crash", "test_count"],
        crashes: 1,
        retries: true,
        ..Expected::nothing(plan.offered_again_within())
    };
    let mut verdict = judge(&world, &books, &expected).await;
    verdict.injections = 3;
    verdict.notes.push(format!(
        "dead after {took:.1?}; {others} % of the others started within {UNDISTURBED}"
    ));
    verdict.require(deaths == 3, format!("it took {deaths} workers with it, not 3"));
    // In a short round three of three workers die within seconds, each with the messages it had fetched.
    let least = plan.pick(70, 90);
    verdict.require(others >= least, format!("only {others} % of the others were undisturbed"));
    // The nonsense may have been with the worker that the poison killed first: that was no attempt of its own.
    let ends = "SELECT kind || ' ' || state || ' ' || attempt - CASE kind WHEN 'test_count' THEN crashes ELSE 0 END FROM jobs
                WHERE kind IN ('test_crash', 'test_count', 'a_kind_of_tomorrow') ORDER BY kind";
    let ends = world.sql.texts(ends).await;
    verdict.require(
        ends == ["a_kind_of_tomorrow pending 0", "test_count dead 1", "test_crash dead 3"],
        format!("the poison ended as {ends:?}"),
    );
    let crashes = world.sql.number("SELECT crashes FROM jobs WHERE kind = 'test_crash'").await;
    verdict.require(crashes == 3, format!("the poison died of {crashes} crashes"));
    let unknown = workers[0].metric("job_unknown_kind", "a_kind_of_tomorrow").await;
    verdict.require(unknown == 1, format!("{unknown} jobs of unknown kinds are shown"));
    drop(workers);
    world.finish().await;
    verdict
}

/// A job that aborts its process, one with undecodable arguments, and one of a kind that nobody knows yet.
async fn record_poison(world: &World) {
    let recorded = world.app.db.transaction(async |tx| jobs::enqueue(tx, &Crash).await).await;
    recorded.expect("the poison is recorded");
    let others = "INSERT INTO jobs (kind, queue, args, max_attempts) VALUES
         ('test_count', 'default', '{\"nonsense\": 1}', 12), ('a_kind_of_tomorrow', 'default', '{}', 12)";
    world.sql.execute(others).await;
}
