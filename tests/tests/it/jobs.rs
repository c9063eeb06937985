//! The job platform: what is promised about every job, whatever it does.

use std::time::Duration;

use serde_json::json;
use shared::error::Error;
use shared::jobs::{self, enqueue};
use tests::kinds::{Count, Fragile, Wait, outside};
use tests::{TestApp, eventually};

#[tokio::test]
async fn a_job_exists_exactly_when_its_transaction_commits() {
    let app = TestApp::start().await;
    let refused = app
        .app
        .db
        .transaction(async |tx| {
            enqueue(tx, &Count { key: "refused".into() }).await?;
            Err::<(), _>(Error::internal("changed my mind"))
        })
        .await;
    assert!(refused.is_err());
    app.enqueue(Count { key: "kept".into() }).await;
    assert_eq!(app.run_due_jobs().await, 1);
    assert_eq!(app.database.texts("SELECT effect_key FROM effects").await, ["kept"]);
    app.finish().await;
}

#[tokio::test]
async fn one_live_job_per_business_key() {
    let app = TestApp::start().await;
    let reconcile = || jobs::kinds::ReconcileEscrows::default();
    let (first, second) = app
        .app
        .db
        .transaction(async |tx| {
            Ok((enqueue(tx, &reconcile()).await?, enqueue(tx, &reconcile()).await?))
        })
        .await
        .expect("commits");
    assert!(first.is_some() && second.is_none());
    app.run_due_jobs().await;
    let third =
        app.app.db.transaction(async |tx| enqueue(tx, &reconcile()).await).await.expect("commits");
    assert!(third.is_some(), "a finished job makes room for the next");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_job_that_panics_is_rolled_back_and_tried_again_with_growing_waits() {
    let app = TestApp::start().await;
    app.enqueue(Fragile { key: "fragile".into(), works_at: 3 }).await;
    for attempt in 1..3 {
        assert_eq!(app.run_due_jobs().await, 1, "attempt {attempt}");
        assert_eq!(app.run_due_jobs().await, 0, "it waits before it is tried again");
        assert_eq!(
            app.database.number("SELECT count(*) FROM effects").await,
            0,
            "what a failed run wrote is gone"
        );
        let waits = app
            .database
            .number("SELECT extract(epoch FROM run_at - app_now()) * 1000 FROM jobs")
            .await;
        assert!((0..=2_000 << attempt).contains(&waits), "attempt {attempt} waits {waits} ms");
        app.advance("10 minutes").await;
    }
    assert_eq!(app.run_due_jobs().await, 1);
    assert_eq!(app.database.number("SELECT count(*) FROM effects").await, 1);
    let attempts = app
        .database
        .texts("SELECT attempt || ' ' || outcome FROM job_attempts ORDER BY attempt")
        .await;
    assert_eq!(attempts, ["1 retry", "2 retry", "3 ok"]);
    app.finish().await;
}

#[tokio::test]
async fn what_no_retry_changes_is_dead_at_once_and_unknown_kinds_are_left_alone() {
    let app = TestApp::start().await;
    app.database
        .execute(
            "INSERT INTO jobs (kind, queue, args, max_attempts) VALUES
             ('test_count', 'default', '{\"nonsense\": 1}', 12), ('a_kind_of_tomorrow', 'default', '{}', 12)",
        )
        .await;
    app.run_due_jobs().await;
    let states = app
        .database
        .texts("SELECT kind || ' ' || state || ' ' || attempt FROM jobs ORDER BY id")
        .await;
    assert_eq!(states, ["test_count dead 1", "a_kind_of_tomorrow pending 0"]);
    app.expect_dead("test_count").await;
    app.database.execute("DELETE FROM jobs WHERE kind = 'a_kind_of_tomorrow'").await;
    app.finish().await;
}

#[tokio::test]
async fn arguments_written_before_a_field_was_added_still_run() {
    let app = TestApp::start().await;
    app.database.execute("INSERT INTO jobs (kind, queue, args, args_version, max_attempts) VALUES ('test_count', 'default', '{\"key\": \"old\", \"gone\": true}', 0, 3)").await;
    app.run_due_jobs().await;
    assert_eq!(app.database.texts("SELECT effect_key FROM effects").await, ["old"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_wakes_up_late_changes_nothing() {
    let app = TestApp::start_with(&[("JOBS_LEASE", "1s")]).await;
    app.enqueue(Wait { key: "answered".into() }).await;
    // This engine has no keeper: to the others it looks stopped while it talks to the outside.
    let (late, other) = (app.engine().await, app.engine().await);
    let late = tokio::spawn(async move { late.run_due().await.expect("runs") });
    outside().asked.acquire().await.expect("open").forget();
    eventually("the lease of the silent worker runs out", async || {
        let conn = &mut app.app.db.read().await.expect("connects");
        !jobs::rescue(conn).await.expect("rescues").is_empty()
    })
    .await;
    let other = tokio::spawn(async move { other.run_due().await.expect("runs") });
    outside().asked.acquire().await.expect("open").forget();
    outside().answer.add_permits(2);
    late.await.expect("ends");
    other.await.expect("ends");
    assert_eq!(
        app.database.texts("SELECT state || ' ' || attempt || ' ' || crashes FROM jobs").await,
        ["done 2 1"]
    );
    assert_eq!(
        app.database.number("SELECT count(*) FROM effects").await,
        1,
        "the late answer was refused by its token"
    );
    assert_eq!(
        app.database
            .texts("SELECT attempt || ' ' || outcome FROM job_attempts ORDER BY attempt")
            .await,
        ["1 crashed", "2 ok"]
    );
    app.finish().await;
}

#[tokio::test]
async fn messages_that_are_stale_or_repeated_claim_nothing() {
    let app = TestApp::start().await;
    app.enqueue(Count { key: "once".into() }).await;
    let conn = &mut app.app.db.read().await.expect("connects");
    let take = async |conn: &mut shared::Conn| {
        jobs::take_due(conn, jobs::Queue::Default, &["test_count"], jobs::Floor::NONE, 10)
            .await
            .expect("takes")
    };
    let first = take(conn).await;
    jobs::offer_everything_again(conn, jobs::Queue::Default).await.expect("offers");
    let second = take(conn).await;
    let (stale, current) =
        ((first[0].id, first[0].dispatch_gen), (second[0].id, second[0].dispatch_gen));
    let claim = async |conn: &mut shared::Conn, message| {
        jobs::claim_dispatched(conn, &[message], "w", 20_000).await.expect("claims")
    };
    assert!(claim(conn, stale).await.is_empty(), "a message of an earlier hand-out");
    let claimed = claim(conn, current).await;
    assert_eq!(claimed.len(), 1);
    assert!(claim(conn, current).await.is_empty(), "a message delivered twice");
    assert!(jobs::hand_back(conn, &claimed[0]).await.expect("hands back"));
    assert!(!jobs::hand_back(conn, &claimed[0]).await.expect("is refused"), "the token is used up");
    app.run_due_jobs().await;
    assert_eq!(
        app.database.texts("SELECT attempt::text FROM jobs").await,
        ["1"],
        "a handed-back attempt does not count"
    );
    app.finish().await;
}

#[tokio::test]
async fn two_schedulers_fire_a_tick_once_and_missed_ticks_are_caught_up_by_policy() {
    let app = TestApp::start().await;
    let (mut one, mut two) =
        (scheduler::Ticker::new(app.app.clone()), scheduler::Ticker::new(app.app.clone()));
    one.tick().await.expect("ticks");
    two.tick().await.expect("ticks");
    app.advance("1 minute").await;
    let fired = one.tick().await.expect("ticks") + two.tick().await.expect("ticks");
    let lines = scheduler::schedule::schedule().len();
    let ticks = app.database.number("SELECT count(*) FROM cron_ticks").await;
    assert_eq!(i64::try_from(fired).expect("few"), ticks, "every tick was fired by one of them");
    assert!(ticks >= 1);
    app.run_due_jobs().await;
    app.advance("3 days").await;
    one.tick().await.expect("ticks");
    two.tick().await.expect("ticks");
    let after = app.database.number("SELECT count(*) FROM cron_ticks").await;
    assert!(
        after - ticks <= i64::try_from(lines).expect("few"),
        "three days are caught up with one tick per schedule"
    );
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_trace_of_a_request_is_on_its_jobs_and_on_theirs() {
    let app = TestApp::start_with(&[("TRUSTED_PROXY_COUNT", "1")]).await;
    let register = json!({ "email": "trace@example.uz", "password": "sufficient-1-password" });
    let request = app
        .client
        .request(reqwest::Method::POST, "auth/register/")
        .header("X-Request-ID", "trace-me-42")
        .json(&register);
    let reply = app.client.send(request).await.expect(201);
    assert_eq!(reply.headers["x-request-id"], "trace-me-42");
    assert_eq!(app.database.texts("SELECT DISTINCT trace_id FROM jobs").await, ["trace-me-42"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_starts_soon_after_its_commit() {
    let app = TestApp::start().await;
    let worker = app.in_process_worker().await;
    eventually("the worker is ready", async || worker.engine.is_ready()).await;
    let mut waits = Vec::new();
    for number in 0..20 {
        let committed = std::time::Instant::now();
        app.enqueue(Count { key: format!("soon-{number}") }).await;
        eventually("the job is done", async || {
            app.database.number("SELECT count(*) FROM jobs WHERE state <> 'done'").await == 0
        })
        .await;
        waits.push(committed.elapsed());
    }
    waits.sort();
    // Generous: this guards against sleeping until the next poll or heartbeat, the bench measures.
    assert!(
        waits[10] < Duration::from_millis(450),
        "the median job was done {:?} after its commit",
        waits[10]
    );
    worker.stop().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deep_queue_travels_in_few_messages_and_a_worker_that_leaves_gives_back_what_it_had_not_begun()
 {
    let app = TestApp::start().await;
    app.database
        .execute(
            "INSERT INTO jobs (kind, queue, args, run_at, max_attempts)
             SELECT 'test_count', 'default', json_build_object('key', 'deep-' || n), app_now(), 3 FROM generate_series(1, 1500) n",
        )
        .await;
    let undone = "SELECT count(*) FROM jobs WHERE state <> 'done'";
    let first = app.in_process_worker().await;
    eventually("some are done", async || {
        app.database.number("SELECT count(*) FROM effects").await > 100
    })
    .await;
    first.stop().await;
    assert_eq!(app.database.number("SELECT count(*) FROM jobs WHERE state = 'running'").await, 0);
    let second = app.in_process_worker().await;
    eventually("all are done", async || app.database.number(undone).await == 0).await;
    assert_eq!(
        app.database
            .number("SELECT count(*) FROM jobs WHERE dispatched_at < now() - interval '15 seconds'")
            .await,
        0,
        "nothing waited for its lease or for the dispatch timeout"
    );
    second.stop().await;
    assert_eq!(
        app.database.number("SELECT count(*) FROM effects WHERE effect_key LIKE 'deep-%'").await,
        1500
    );
    assert_eq!(app.database.number("SELECT count(*) FROM jobs WHERE attempt <> 1").await, 0);
    app.finish().await;
}
