//! 14. Workers of one release are replaced by those of the next, one by one and under load; so are the API and the scheduler.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tests::kinds::{Mark, Novelty, Parcel, ParcelOfRelease1};
use tests::{Process, RedisServer};

use crate::load::{Books, Load, Rates, open};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{World, within};

pub(crate) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "rolling", &redis.url()).await);
    let new = [&[("WORKER_QUEUES", "money,default,mail")], plan.undying()].concat();
    let old = [&[("TEST_RELEASE", "1")], new.as_slice()].concat();
    let mut workers = world.workers(&["old_a", "old_b", "old_c"], &old).await;
    let mut scheduler = world.scheduler("old_ticker", &[]);
    scheduler.ready().await;
    let mut load = Load::start(&world, Rates::steady(plan.full));
    load.repeat(plan.pick(8, 20), parcel);
    load.repeat(2, long);
    let mut verdict = Verdict::default();
    let grace = plan.seconds(2, 25);
    let mut slowest = Duration::ZERO;
    for restart in 0..plan.pick(4, 10) {
        tokio::time::sleep(plan.seconds(1, 10)).await;
        let next = world.worker(&format!("new_{restart}"), &new);
        next.ready().await;
        let old = std::mem::replace(&mut workers[restart % 3], next);
        slowest = slowest.max(retire(old.process, "a worker", grace, &mut verdict).await);
        verdict.injections += 1;
        if restart % 3 == 0 {
            let old = std::mem::replace(&mut scheduler, world.scheduler("new_ticker", &[]));
            slowest = slowest.max(retire(old.process, "a scheduler", grace, &mut verdict).await);
            slowest = slowest.max(next_api(&world, grace, &mut verdict).await);
            verdict.injections += 2;
        }
    }
    let books = load.stop().await;
    world.settle(plan.resumed_within()).await;
    verdict.add(judge(&world, &books, &Expected::nothing(plan.resumed_within())).await);

    let foreign = "SELECT count(*) FROM jobs WHERE kind = 'test_novelty' AND worker LIKE 'old%'";
    verdict.require(
        world.sql.number(foreign).await == 0,
        "an old worker took a kind that it does not know",
    );
    let upgraded = "SELECT count(*) FROM jobs WHERE kind = 'test_parcel' AND args_version = 1 AND worker LIKE 'new%'";
    let upgraded = world.sql.number(upgraded).await;
    verdict.require(upgraded > 0, "no old arguments were run by a new worker");
    let again = world.sql.number("SELECT count(*) FROM jobs WHERE attempt > 1").await;
    verdict.require(again == 0, format!("{again} jobs paid for a restart with an attempt"));
    let shared = "SELECT count(*) FROM job_workers WHERE worker LIKE 'old%'";
    verdict.require(world.sql.number(shared).await == 0, "a retired worker is still announced");
    world.ticks(Duration::from_secs(15)).await;
    verdict.notes.push(format!(
        "slowest exit {slowest:.1?}; {upgraded} jobs of the old release ran on the new one"
    ));
    drop((workers, scheduler));
    world.finish().await;
    verdict
}

/// SIGTERM; out within the grace and the time to hand back, with status 0.
async fn retire(
    mut process: Process,
    what: &str,
    grace: Duration,
    verdict: &mut Verdict,
) -> Duration {
    let asked = Instant::now();
    process.signal("TERM");
    let bound = grace + Duration::from_secs(5);
    let mut status = None;
    within(bound, &format!("{what} leaves when asked"), async || {
        status = process.ended();
        status.is_some()
    })
    .await;
    let well = status.is_some_and(|status| status.success());
    verdict.require(well, format!("{what} left with {status:?}"));
    asked.elapsed()
}

/// The API finishes what it has and leaves; the next one has its addresses. People ask again meanwhile.
async fn next_api(world: &World, grace: Duration, verdict: &mut Verdict) -> Duration {
    let old = open(&world.api).take().expect("it runs");
    let took = retire(old, "the API", grace, verdict).await;
    world.next_api().await;
    took
}

/// A parcel of either release, or something that only the new one knows.
async fn parcel(world: Arc<World>, books: Arc<Books>) {
    let number = books.number();
    let key = format!("parcel-{number}");
    let recorded = match number % 3 {
        0 => world.order(&key, &ParcelOfRelease1 { key: key.clone() }).await,
        1 => world.order(&key, &Parcel { key: key.clone(), sender: "somebody".to_owned() }).await,
        _ => world.order(&key, &Novelty { key: key.clone() }).await,
    };
    if recorded {
        open(&books.ordered).insert(key);
    }
}

/// Work that is in progress whenever a worker is told to leave; now and then longer than the grace.
async fn long(world: Arc<World>, books: Arc<Books>) {
    let number = books.number();
    let key = format!("long-{number}");
    let takes_ms = if number % 4 == 0 { 3_500 } else { 700 };
    if world.order(&key, &Mark { key: key.clone(), takes_ms }).await {
        open(&books.ordered).insert(key);
    }
}
