//! 8. PostgreSQL crashes, and then its backends are shot one after another: 503 meanwhile, and nobody has to restart.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection as _;
use rand::Rng as _;
use tests::{PostgresServer, Process, RedisServer};

use crate::load::{Books, Load, Rates, open, statuses};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{World, within};

/// All pools work again within this.
const RECOVERED_WITHIN: Duration = Duration::from_secs(10);
/// Backends shot per second.
const SHOTS: u64 = 10;

/// Shoots one backend of the platform.
const SHOOT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename IN ('wibe_app', 'wibe_owner') AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1";

pub(crate) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let mut server = PostgresServer::start().await;
    let world = Arc::new(World::start_at(plan, "postgres", &redis.url(), &server.urls()).await);
    let mut workers = world.workers(&["a", "b"], &[("WORKER_QUEUES", "money,default,bulk")]).await;
    let mut scheduler = world.scheduler("ticker", &[]);
    world.ticks(Duration::from_secs(20)).await;
    let load = Load::start(&world, Rates::steady(plan.full));
    let mut dice = plan.dice();
    let (mut verdict, mut troubled) = (Verdict::default(), Vec::new());
    tokio::time::sleep(plan.seconds(2, 10)).await;

    for crash in 0..plan.pick(1, 5) {
        let began = Instant::now();
        server.crash(Duration::from_millis(dice.random_range(300..1_000))).await;
        verdict.injections += 1;
        let back = Instant::now();
        works_again(&world, &format!("crash-{crash}")).await;
        verdict.recovered(back.elapsed());
        troubled.push((began, Instant::now()));
        tokio::time::sleep(plan.seconds(2, 10)).await;
    }

    let began = Instant::now();
    let mut admin = server.admin().await;
    let until = began + plan.seconds(2, 20);
    while Instant::now() < until {
        admin.batch_execute(SHOOT).await.expect("shoots");
        verdict.injections += 1;
        tokio::time::sleep(Duration::from_millis(1_000 / SHOTS)).await;
    }
    let back = Instant::now();
    works_again(&world, "shots").await;
    verdict.recovered(back.elapsed());
    troubled.push((began, Instant::now()));
    tokio::time::sleep(plan.seconds(2, 10)).await;

    let all_work = workers.iter_mut().all(|worker| worker.process.ended().is_none());
    verdict.require(all_work, "a worker has ended");
    verdict.require(scheduler.process.ended().is_none(), "the scheduler has ended");
    let api = open(&world.api).as_mut().and_then(Process::ended);
    verdict.require(api.is_none(), "the API has ended");
    drop(scheduler);
    let books = load.stop().await;
    // Whoever lost the database in the middle of a run waits for its next attempt, twice at worst.
    world.settle(plan.offered_again_within()).await;
    only_meanwhile(&mut verdict, &books, &troubled);
    let recovery = verdict.worst;
    let expected = Expected { crashes: 2, retries: true, ..Expected::nothing(RECOVERED_WITHIN) };
    verdict.add(judge(&world, &books, &expected).await);
    verdict.notes.push(format!("the last start of a job was {:.1?} late", verdict.worst));
    verdict.worst = recovery;
    drop(workers);
    world.finish().await;
    verdict
}

/// A request is answered, a job runs, and a tick fires.
async fn works_again(world: &World, key: &str) {
    let began = Instant::now();
    within(RECOVERED_WITHIN, "requests are answered again", async || {
        let balance = world.buyer.client.request(reqwest::Method::GET, "payments/balance/");
        world.buyer.client.try_send(balance).await.is_ok_and(|reply| reply.status == 200)
    })
    .await;
    world.starts_again(RECOVERED_WITHIN.saturating_sub(began.elapsed()), key).await;
    world.ticks(RECOVERED_WITHIN).await;
}

/// Requests fail while the database is away or being shot at, with 503 and nothing else.
fn only_meanwhile(verdict: &mut Verdict, books: &Books, troubled: &[(Instant, Instant)]) {
    let requests = open(&books.requests).clone();
    let answered = statuses(&requests);
    verdict.notes.push(format!("answers by status: {answered:?}"));
    for request in requests.iter().filter(|request| request.status >= 500 || request.status == 0) {
        verdict
            .require(request.status == 503, format!("a request was answered {}", request.status));
        let meanwhile = troubled
            .iter()
            .any(|(from, to)| request.at + request.took >= *from && request.at <= *to);
        verdict.require(meanwhile, "a request was refused while PostgreSQL was well");
    }
}
