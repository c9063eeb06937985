//! Long work in batches survives what kills its worker.

use diesel_async::SimpleAsyncConnection as _;
use serde_json::json;
use tests::kinds::Crawl;
use tests::{Process, TestApp, eventually};

use super::{impatient, path};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_work_whose_worker_is_killed_goes_on_without_losing_or_repeating_a_row() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let rows = 1_000;
    app.enqueue(Crawl { key: "killed".into(), rows, size: 1 }).await;
    let id = app.database.number("SELECT max(id) FROM jobs").await;
    let done =
        async || app.database.number("SELECT coalesce(max(progress_done), 0) FROM jobs").await;
    let mut at_the_kills = Vec::new();
    for round in 1..=2 {
        let mut worker = Process::start("test-worker", &impatient(&app));
        eventually("it gets on", async || done().await > round * 100).await;
        // Between two batches: the next one waits for this lock, and the last one is committed.
        let mut lock = app.database.owner().await;
        lock.batch_execute("BEGIN; LOCK TABLE effects IN SHARE MODE").await.expect("locks");
        let committed = done().await;
        worker.kill();
        assert_eq!(done().await, committed);
        assert_eq!(app.database.number("SELECT count(*) FROM effects").await, committed);
        lock.batch_execute("ROLLBACK").await.expect("unlocks");
        at_the_kills.push(committed);
    }
    assert!(at_the_kills.iter().all(|done| *done < rows), "killed in the middle: {at_the_kills:?}");
    let worker = Process::start("test-worker", &impatient(&app));
    eventually("it is done", async || {
        app.database.number("SELECT count(*) FROM jobs WHERE state = 'done'").await == 1
    })
    .await;
    assert_eq!(app.database.number("SELECT count(*) FROM effects").await, rows, "every row once");
    let job = staff.client.get(&path(&format!("{id}/"))).await.expect(200);
    assert_eq!((job.at("/progress_done"), job.at("/progress_total")), (&json!(rows), &json!(rows)));
    assert_eq!(job.at("/crashes"), &json!(0), "a job that gets on is no suspect");
    let outcomes: Vec<_> =
        job.at("/attempts").as_array().expect("a list").iter().map(|a| &a["outcome"]).collect();
    // On a busy machine a lease may run out once more.
    let (last, crashes) = outcomes.split_last().expect("attempts");
    assert!(*last == "ok" && crashes.len() >= 2, "{outcomes:?}");
    assert!(crashes.iter().all(|outcome| *outcome == "crashed"), "{outcomes:?}");
    drop(worker);
    app.finish().await;
}
