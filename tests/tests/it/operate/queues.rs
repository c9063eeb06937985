//! Stopping a queue across all workers and both transports.

use serde_json::{Value, json};
use shared::jobs::{self, Queue};
use tests::kinds::{Count, Crawl};
use tests::{TestApp, eventually};

use super::{audited, clear, job_in, path, state};

/// A job of another queue runs: by then every bell of the worker has rung.
async fn another_queue_runs(app: &TestApp, key: &str) {
    app.enqueue(Crawl { key: key.to_owned(), rows: 1, size: 1 }).await;
    eventually("a job of another queue is done", async || {
        let done =
            format!("SELECT count(*) FROM jobs WHERE state = 'done' AND unique_key = '{key}'");
        app.database.number(&done).await == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_queue_stands_still_on_both_transports_and_goes_on_when_resumed() {
    for transport in ["redis", "direct"] {
        let app = TestApp::start_with(&[("JOBS_TRANSPORT", transport)]).await;
        let superuser = app.superuser().await;
        let worker = app.in_process_worker().await;
        let body = json!({ "reason": "the provider is away" });
        superuser.client.post(&path("queues/default/pause/"), body).await.expect(200);
        for number in 0..5 {
            app.enqueue(Count { key: format!("held-{number}") }).await;
            another_queue_runs(&app, &format!("control-{number}")).await;
        }
        let begun = "SELECT count(*) FROM jobs WHERE kind = 'test_count' AND (attempt > 0 OR state <> 'pending')";
        assert_eq!(app.database.number(begun).await, 0, "{transport}");
        let queues = superuser.client.get(&path("queues/")).await.expect(200);
        let default = queues.at("/results").as_array().expect("queues")[1].clone();
        assert_eq!(default["queue"], json!("default"));
        assert_eq!(default["pause"]["reason"], json!("the provider is away"));
        assert_eq!(default["pause"]["paused_by"], json!(format!("staff:{}", superuser.id)));
        assert_eq!(default["ready"]["count"], json!(5));
        let slots = Queue::Default.policy().slots;
        assert_eq!((&default["workers"], &default["slots"]), (&json!(1), &json!(slots)));
        superuser.client.post_empty(&path("queues/default/resume/")).await.expect(200);
        eventually("the jobs are done", async || {
            app.database.number("SELECT count(*) FROM jobs WHERE state <> 'done'").await == 0
        })
        .await;
        let effects = "SELECT count(*) FROM effects WHERE effect_key LIKE 'held-%'";
        assert_eq!(app.database.number(effects).await, 5);
        worker.stop().await;
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_takes_back_what_was_handed_out_and_its_messages_come_to_nothing() {
    let app = TestApp::start().await;
    let superuser = app.superuser().await;
    let pause = async || superuser.client.post_empty(&path("queues/default/pause/")).await;
    let resume = async || superuser.client.post_empty(&path("queues/default/resume/")).await;
    app.enqueue(Count { key: "handed-out".into() }).await;
    let (running, bulk) = (job_in(&app, "running").await, job_in(&app, "dispatched").await);
    let conn = &mut app.app.db.read().await.expect("connects");
    let take = async |conn: &mut shared::Conn| {
        let floor = jobs::Floor::NONE;
        jobs::take_due(conn, Queue::Default, &["test_count"], floor, 10).await.expect("takes")
    };
    let first = take(conn).await.pop().expect("one is due");
    pause().await.expect(200);
    assert_eq!(state(&app, first.id).await, "pending");
    assert_eq!(state(&app, running).await, "running", "what runs goes on");
    assert_eq!(state(&app, bulk).await, "dispatched", "another queue is not concerned");
    assert!(take(conn).await.is_empty(), "nothing is handed out");
    assert_eq!(app.run_due_jobs().await, 0, "nothing is claimed");
    resume().await.expect(200);

    // Handed out while the pause was being committed: it is delivered, and not claimed.
    let second = take(conn).await.pop().expect("one is due");
    app.database
        .execute(
            "INSERT INTO job_queues (queue, paused_at, paused_by) VALUES ('default', now(), 'x')",
        )
        .await;
    let message = [(second.id, second.dispatch_gen)];
    assert!(jobs::claim_dispatched(conn, &message, "w", 1_000).await.expect("claims").is_empty());
    resume().await.expect(200);
    assert_eq!(
        state(&app, second.id).await,
        "pending",
        "it does not wait for the dispatch timeout"
    );
    let third = take(conn).await.pop().expect("one is due");
    for stale in [&first, &second] {
        let message = [(stale.id, stale.dispatch_gen)];
        assert!(jobs::claim_dispatched(conn, &message, "w", 1_000).await.expect("ok").is_empty());
    }
    jobs::take_back(conn, &[(third.id, third.dispatch_gen)]).await.expect("takes back");
    app.database.execute(&format!("DELETE FROM jobs WHERE id IN ({running}, {bulk})")).await;
    assert_eq!(app.run_due_jobs().await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pausing_and_resuming_twice_is_once() {
    let app = TestApp::start().await;
    let superuser = app.superuser().await;
    let say = async |verb: &str, reason: &str| {
        let body = json!({ "reason": reason });
        superuser.client.post(&path(&format!("queues/mail/{verb}/")), body).await.expect(200)
    };
    assert_eq!(say("resume", "").await.at("/pause"), &Value::Null, "it was not paused");
    assert_eq!(audited(&app).await, 0);
    say("pause", "first").await;
    let second = say("pause", "second").await;
    assert_eq!(second.text_at("/pause/reason"), "first", "the first pause stands");
    assert_eq!(say("resume", "done").await.at("/pause"), &Value::Null);
    say("resume", "again").await;
    let lines =
        "SELECT action || ' ' || object_type || ' ' || object_id || ' ' || (details->>'reason')
                 FROM audit_log WHERE action LIKE 'jobs.%' ORDER BY id";
    assert_eq!(
        app.database.texts(lines).await,
        ["jobs.pause queue mail first", "jobs.resume queue mail done"]
    );
    say("pause", "").await;
    say("resume", "").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_tell_how_much_waits_and_since_when() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for state in super::STATES {
        job_in(&app, state).await;
    }
    app.advance("10 minutes").await;
    let queues = staff.client.get(&path("queues/")).await.expect(200);
    assert_eq!(queues.at("/count"), &json!(4));
    let bulk = &queues.at("/results").as_array().expect("queues")[3];
    for (member, count) in
        [("ready", 2), ("scheduled", 1), ("dispatched", 1), ("running", 1), ("dead", 1)]
    {
        assert_eq!(bulk[member]["count"], json!(count), "{member}: {bulk}");
    }
    let age = |member: &str| bulk[member]["oldest_seconds"].as_i64();
    assert!(age("ready").is_some_and(|age| (600..660).contains(&age)), "{bulk}");
    assert!(age("dead").is_some_and(|age| (600..660).contains(&age)), "{bulk}");
    assert!(age("running").is_some_and(|age| age < 60), "a run takes real time: {bulk}");
    let policy = Queue::Bulk.policy().limits;
    assert_eq!(bulk["max_attempts"], json!(policy.max_attempts));
    assert_eq!(bulk["timeout_seconds"], json!(policy.timeout.as_secs()));
    assert_eq!((&bulk["workers"], &bulk["slots"]), (&json!(0), &json!(0)));
    clear(&app).await;
    app.finish().await;
}
