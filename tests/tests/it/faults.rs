//! Faults: processes are killed and stopped, Redis is wiped and taken away, and the books stay right.

use std::collections::HashMap;

use shared::ids::EscrowId;
use tests::kinds::{Count, Crash};
use tests::{Process, RedisServer, Story, TestApp, eventually};

/// A worker process of this test, impatient enough for one.
fn impatient(app: &TestApp, redis_url: &str) -> HashMap<String, String> {
    let mut variables = app.variables();
    for (name, value) in [
        ("REDIS_URL", redis_url),
        ("JOBS_LEASE", "2s"),
        ("JOBS_SWEEP_EVERY", "200ms"),
        ("JOBS_POLL_EVERY", "100ms"),
        ("JOBS_REDIS_PATIENCE", "1s"),
        ("JOBS_DISPATCH_GRACE", "1s"),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    variables.insert("WORKER_METRICS_LISTEN".to_owned(), "127.0.0.1:0".to_owned());
    variables
}

async fn count_jobs(app: &TestApp, range: std::ops::Range<usize>) {
    let insert = format!(
        "INSERT INTO jobs (kind, queue, args, max_attempts)
         SELECT 'test_count', 'default', jsonb_build_object('key', 'n' || n), 12 FROM generate_series({}, {}) AS n",
        range.start,
        range.end - 1
    );
    app.database.execute(&insert).await;
}

async fn effects(app: &TestApp) -> i64 {
    app.database.number("SELECT count(*) FROM effects WHERE effect_key LIKE 'n%'").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_jobs_due_at_once_drain_without_flooding_redis() {
    let app = TestApp::start().await;
    count_jobs(&app, 0..20_000).await;
    let worker = Process::start("test-worker", &impatient(&app, &app.redis_url));
    let mut redis = redis::Client::open(app.redis_url.clone())
        .expect("a URL")
        .get_connection()
        .expect("answers");
    let mut most = 0;
    let queue = format!("{}:jobs:default", app.redis_prefix);
    eventually("half of the jobs are done", async || {
        let held: i64 = redis::cmd("ZCARD")
            .arg(format!("{queue}:scheduled"))
            .query(&mut redis)
            .expect("counts");
        most = most.max(held);
        effects(&app).await >= 10_000
    })
    .await;
    eventually("all of the jobs are done", async || effects(&app).await == 20_000).await;
    assert!(most <= 1_000, "Redis held {most} messages at a time");
    eventually("every row is finished", async || {
        app.database.number("SELECT count(*) FROM jobs WHERE state <> 'done'").await == 0
    })
    .await;
    drop(worker);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wiping_redis_under_load_loses_and_repeats_nothing() {
    let app = TestApp::start().await;
    let redis = RedisServer::start().await;
    let workers: Vec<_> =
        (0..2).map(|_| Process::start("test-worker", &impatient(&app, &redis.url()))).collect();
    for round in 0..8 {
        count_jobs(&app, round * 250..(round + 1) * 250).await;
        eventually("the round is under way", async || {
            effects(&app).await > i64::try_from(round * 250 + 20).expect("small")
        })
        .await;
        redis.wipe();
    }
    eventually("every job is done", async || {
        app.database.number("SELECT count(*) FROM jobs WHERE state <> 'done'").await == 0
    })
    .await;
    assert_eq!(effects(&app).await, 2_000);
    assert_eq!(
        app.database.number("SELECT count(*) FROM jobs WHERE attempt > 1").await,
        0,
        "a wiped hint is not a failed attempt"
    );
    drop(workers);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_run_without_redis_and_through_it_again_when_it_is_back() {
    let app = TestApp::start().await;
    let mut redis = RedisServer::start().await;
    let worker = Process::start("test-worker", &impatient(&app, &redis.url()));
    count_jobs(&app, 0..50).await;
    eventually("jobs run through Redis", async || effects(&app).await == 50).await;
    redis.stop();
    count_jobs(&app, 50..100).await;
    eventually("jobs run without Redis", async || effects(&app).await == 100).await;
    redis.restart().await;
    eventually("messages go through Redis again", async || {
        app.enqueue(Count { key: format!("again-{}", uuid::Uuid::new_v4()) }).await;
        app.database
            .number(
                "SELECT count(*) FROM jobs WHERE dispatch_gen > 0 AND state = 'done' AND id > 100",
            )
            .await
            > 0
    })
    .await;
    eventually("nothing is left", async || {
        app.database.number("SELECT count(*) FROM jobs WHERE state <> 'done'").await == 0
    })
    .await;
    drop(worker);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_aborts_its_process_is_dead_after_three_and_its_neighbours_run() {
    let app = TestApp::start().await;
    app.enqueue(Crash).await;
    count_jobs(&app, 0..40).await;
    let mut worker = Process::start("test-worker", &impatient(&app, &app.redis_url));
    let mut deaths = 0;
    eventually("the job is dead", async || {
        if worker.ended().is_some() {
            deaths += 1;
            worker = Process::start("test-worker", &impatient(&app, &app.redis_url));
        }
        app.database
            .number("SELECT count(*) FROM jobs WHERE kind = 'test_crash' AND state = 'dead'")
            .await
            == 1
    })
    .await;
    eventually("the neighbours are done", async || effects(&app).await == 40).await;
    assert_eq!(deaths, 3, "it took three workers with it and no more");
    assert_eq!(
        app.database
            .texts("SELECT attempt || ' ' || crashes FROM jobs WHERE kind = 'test_crash'")
            .await,
        ["3 3"]
    );
    drop(worker);
    app.expect_dead("test_crash").await;
    app.finish().await;
}

/// A deal whose release is due, and a lock that holds the release up in the middle.
async fn held_up_release(app: &TestApp, signal: &str) -> (EscrowId, Process) {
    let deal = Story::new(app).delivered().await;
    app.advance("24 hours 1 second").await;
    let mut lock = app.database.owner().await;
    diesel_async::SimpleAsyncConnection::batch_execute(
        &mut lock,
        &format!("BEGIN; SELECT 1 FROM listings WHERE id = '{}' FOR UPDATE", deal.listing),
    )
    .await
    .expect("locks");
    let worker = Process::start("worker", &impatient(app, &app.redis_url));
    eventually("the release waits in the middle of its transaction", async || {
        let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()";
        app.database.number(waiting).await > 0
    })
    .await;
    worker.signal(signal);
    diesel_async::SimpleAsyncConnection::batch_execute(&mut lock, "ROLLBACK")
        .await
        .expect("unlocks");
    (deal.id, worker)
}

async fn paid_once(app: &TestApp, deal: EscrowId) {
    eventually("the seller is paid", async || {
        app.database.number("SELECT count(*) FROM escrows WHERE status = 'confirmed'").await == 1
    })
    .await;
    let settled = app
        .database
        .texts(&format!("SELECT kind FROM ledger.journal WHERE ref = 'escrow_settle:{deal}'"))
        .await;
    assert_eq!(settled.len(), 1);
    let legs = "SELECT a.kind || ' ' || e.amount FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id
                JOIN ledger.journal j ON j.id = e.journal_id WHERE j.ref LIKE 'escrow_settle:%' ORDER BY e.amount";
    assert_eq!(
        app.database.texts(legs).await,
        ["escrow -100000.00", "commission_revenue 10000.00", "user_available 90000.00"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_a_worker_in_the_middle_of_a_release_pays_the_seller_once() {
    let app = TestApp::start().await;
    let (deal, mut worker) = held_up_release(&app, "KILL").await;
    eventually("the worker is gone", async || worker.ended().is_some()).await;
    let other = Process::start("worker", &impatient(&app, &app.redis_url));
    paid_once(&app, deal).await;
    drop(other);
    app.settle_mail().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_stopped_in_the_middle_of_a_release_wakes_up_to_nothing() {
    let app = TestApp::start().await;
    let (deal, late) = held_up_release(&app, "STOP").await;
    let other = Process::start("worker", &impatient(&app, &app.redis_url));
    paid_once(&app, deal).await;
    late.signal("CONT");
    let mut late = late;
    assert!(late.terminate().success(), "the late worker drains and leaves");
    paid_once(&app, deal).await;
    drop(other);
    app.settle_mail().await;
    app.finish().await;
}
