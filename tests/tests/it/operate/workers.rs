//! Looking at workers, and letting one go.

use serde_json::{Value, json};
use shared::jobs::Queue;
use tests::kinds::Count;
use tests::{Process, TestApp, eventually};

use super::{audited, impatient, path};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_worker_exits_in_peace_and_the_others_go_on() {
    let app = TestApp::start().await;
    let superuser = app.superuser().await;
    let mut workers = Vec::new();
    for name in ["leaver", "stayer"] {
        let mut variables = impatient(&app);
        variables.insert("WORKER_NAME".to_owned(), name.to_owned());
        variables.insert("WORKER_QUEUES".to_owned(), "default,bulk".to_owned());
        workers.push(Process::start("test-worker", &variables));
    }
    let names = async || {
        let workers = superuser.client.get(&path("workers/")).await.expect(200);
        let workers = workers.at("/results").as_array().expect("workers").clone();
        workers
            .iter()
            .map(|worker| worker["worker"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    eventually("both workers have announced themselves", async || names().await.len() == 2).await;
    let listed = superuser.client.get(&path("workers/")).await.expect(200);
    let first = listed.at("/results/0");
    assert_eq!((&first["alive"], &first["drain_requested_at"]), (&json!(true), &Value::Null));
    assert_eq!(first["queues"].as_array().map(Vec::len), Some(2));
    assert_eq!(first["queues"][0]["slots"], json!(Queue::Bulk.policy().slots));
    for number in 0..20 {
        app.enqueue(Count { key: format!("before-{number}") }).await;
    }
    let leaver = names().await.remove(0);
    assert!(leaver.starts_with("leaver-"), "{leaver}");
    let drained = superuser
        .client
        .post(&path(&format!("workers/{leaver}/drain/")), json!({ "reason": "a new machine" }))
        .await
        .expect(200);
    assert!(drained.at("/drain_requested_at").is_string());
    eventually("the worker has left", async || workers[0].ended().is_some()).await;
    assert!(workers[0].ended().expect("ended").success(), "it exits with 0");
    assert_eq!(names().await.len(), 1, "it has said goodbye");
    for number in 0..20 {
        app.enqueue(Count { key: format!("after-{number}") }).await;
    }
    eventually("the other one does the work", async || {
        app.database.number("SELECT count(*) FROM jobs WHERE state <> 'done'").await == 0
    })
    .await;
    assert!(workers[1].ended().is_none());
    assert_eq!(app.database.number("SELECT count(*) FROM effects").await, 40);
    assert_eq!(app.database.number("SELECT max(attempt) FROM jobs").await, 1);
    drop(workers);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_is_asked_once_and_a_stranger_is_not_found() {
    let app = TestApp::start().await;
    let superuser = app.superuser().await;
    app.database
        .execute(
            "INSERT INTO job_workers (worker, queue, slots, running, seen_at) VALUES
             ('host-1-aa', 'money', 8, 3, now()), ('host-1-aa', 'mail', 16, 0, now()),
             ('host-2-bb', 'bulk', 4, 1, now() - interval '5 minutes')",
        )
        .await;
    let listed = superuser.client.get(&path("workers/")).await.expect(200);
    assert_eq!(listed.at("/count"), &json!(2));
    assert_eq!(
        listed.at("/results/0/queues"),
        &json!([
            { "queue": "mail", "slots": 16, "running": 0 }, { "queue": "money", "slots": 8, "running": 3 },
        ])
    );
    assert_eq!(listed.at("/results/1/alive"), &json!(false), "silent for five minutes");
    let drain = async |name: &str| {
        superuser.client.post_empty(&path(&format!("workers/{name}/drain/"))).await
    };
    let first = drain("host-1-aa").await.expect(200);
    let second = drain("host-1-aa").await.expect(200);
    assert_eq!(first.at("/drain_requested_at"), second.at("/drain_requested_at"));
    assert_eq!(audited(&app).await, 1);
    drain("host-9-zz").await.expect_error(404, "NOT_FOUND");
    let asked = "SELECT count(*) FROM job_workers WHERE drain_requested_at IS NOT NULL";
    assert_eq!(app.database.number(asked).await, 2, "both lines of the one worker");
    app.finish().await;
}
