//! Stopping what runs.

use serde_json::{Value, json};
use tests::kinds::{Ask, Crawl, Hold, gate};
use tests::{TestApp, eventually};

use super::{path, state};

async fn newest(app: &TestApp) -> i64 {
    app.database.number("SELECT max(id) FROM jobs").await
}

async fn effects(app: &TestApp) -> i64 {
    app.database.number("SELECT count(*) FROM effects").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_job_that_is_cancelled_stops_and_what_it_wrote_is_gone() {
    let app = TestApp::start_with(&[("JOBS_LEASE", "1s")]).await;
    let staff = app.staff().await;
    let worker = app.in_process_worker().await;
    app.enqueue(Hold { key: "unwanted".into() }).await;
    gate("unwanted").reached.acquire().await.expect("open").forget();
    let id = newest(&app).await;
    let asked = staff.client.post_empty(&path(&format!("{id}/cancel/"))).await.expect(200);
    assert_eq!(asked.text_at("/next/code"), "stops");
    assert_eq!(asked.text_at("/stop/requested_by"), format!("staff:{}", staff.id));
    eventually("it is cancelled", async || state(&app, id).await == "cancelled").await;
    assert_eq!(effects(&app).await, 0, "rolled back");
    let cancelled = staff.client.get(&path(&format!("{id}/"))).await.expect(200);
    assert_eq!(cancelled.text_at("/attempts/0/outcome"), "cancelled");
    let retried = staff.client.post_empty(&path(&format!("{id}/retry/"))).await.expect(200);
    assert_eq!(retried.at("/stop"), &Value::Null);
    gate("unwanted").reached.acquire().await.expect("open").forget();
    gate("unwanted").open();
    eventually("it is done", async || state(&app, id).await == "done").await;
    assert_eq!(effects(&app).await, 1);
    worker.stop().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_to_the_outside_is_not_interrupted_and_its_answer_is_recorded() {
    let app = TestApp::start_with(&[("JOBS_LEASE", "1s")]).await;
    let staff = app.staff().await;
    let worker = app.in_process_worker().await;
    app.enqueue(Ask { key: "asked".into() }).await;
    gate("asked").reached.acquire().await.expect("open").forget();
    let id = newest(&app).await;
    staff.client.post_empty(&path(&format!("{id}/cancel/"))).await.expect(200);
    let lease = format!("SELECT extract(epoch FROM lease_until) * 1000 FROM jobs WHERE id = {id}");
    for _ in 0..2 {
        let before = app.database.number(&lease).await;
        eventually("the worker has looked for wishes again", async || {
            app.database.number(&lease).await > before
        })
        .await;
    }
    assert_eq!(state(&app, id).await, "running", "the question is not taken back");
    gate("asked").open();
    eventually("it is done", async || state(&app, id).await == "done").await;
    assert_eq!(effects(&app).await, 1);
    worker.stop().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_work_that_is_cancelled_keeps_its_rows_and_goes_on_from_there_when_retried() {
    let app = TestApp::start_with(&[("JOBS_LEASE", "1s")]).await;
    let staff = app.staff().await;
    let worker = app.in_process_worker().await;
    let rows = 3_000;
    app.enqueue(Crawl { key: "long".into(), rows, size: 2 }).await;
    let id = newest(&app).await;
    let look = async || staff.client.get(&path(&format!("{id}/"))).await.expect(200);
    eventually("it has begun", async || {
        look().await.at("/progress_done").as_i64().is_some_and(|done| done > 10)
    })
    .await;
    staff.client.post_empty(&path(&format!("{id}/cancel/"))).await.expect(200);
    eventually("it is cancelled", async || state(&app, id).await == "cancelled").await;
    let stopped = look().await;
    let done = stopped.at("/progress_done").as_i64().expect("a number");
    assert!((10..rows).contains(&done), "{done} rows were done");
    assert_eq!(stopped.at("/progress_total"), &json!(rows));
    assert_eq!(effects(&app).await, done, "what is committed stays, and nothing else");
    staff.client.post_empty(&path(&format!("{id}/retry/"))).await.expect(200);
    eventually("it is done", async || state(&app, id).await == "done").await;
    assert_eq!(effects(&app).await, rows, "every row once");
    assert_eq!(look().await.at("/progress_done"), &json!(rows));
    worker.stop().await;
    app.finish().await;
}
