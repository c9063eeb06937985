//! What the platform does by itself for operators: call limits of the outside, and history that is dropped.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use shared::jobs::{self, Queue};
use tests::TestApp;

#[tokio::test]
async fn calls_to_the_outside_are_spaced_for_all_workers_together() {
    let app = TestApp::start_with(&[("MAIL_PER_SECOND", "5")]).await;
    let every = app.app.settings.jobs.call_interval(Queue::Mail).expect("mail has a limit");
    assert_eq!(every, Duration::from_millis(200));
    assert!(app.app.settings.jobs.call_interval(Queue::Money).is_none());
    // In one transaction no time passes.
    let waits = app
        .app
        .db
        .transaction(async |tx| {
            let mut waits = Vec::new();
            while let Some(wait) = jobs::reserve(tx, "mail", every).await? {
                waits.push(wait);
            }
            assert_eq!(jobs::reserve(tx, "sms", every).await?, Some(Duration::ZERO), "another key");
            Ok(waits)
        })
        .await
        .expect("commits");
    let spaced: Vec<_> = (0..10).map(|turn| every * turn).collect();
    assert_eq!(waits, spaced, "one every 200 ms for two seconds, then come back later");
    let conn = &mut app.app.db.read().await.expect("connects");
    app.database.execute("UPDATE job_rates SET next_at = now() + interval '1 minute'").await;
    assert_eq!(jobs::reserve(conn, "mail", every).await.expect("answers"), None);
    app.database.execute("UPDATE job_rates SET next_at = now() - interval '1 minute'").await;
    let first = jobs::reserve(conn, "mail", every).await.expect("answers");
    assert_eq!(first, Some(Duration::ZERO), "time that nobody used is not saved up");
    app.finish().await;
}

#[derive(Debug, PartialEq, QueryableByName)]
struct Maintained {
    #[diesel(sql_type = BigInt)]
    made: i64,
    #[diesel(sql_type = BigInt)]
    dropped: i64,
}

/// As the application's role, which makes no tables.
async fn maintain(app: &TestApp) -> Maintained {
    use diesel_async::RunQueryDsl as _;
    let conn = &mut app.app.db.read().await.expect("connects");
    diesel::sql_query("SELECT made, dropped FROM maintain_job_attempts(100, 2)")
        .get_result(conn)
        .await
        .expect("maintains")
}

/// Attempts by the table that holds them.
async fn attempts(app: &TestApp) -> Vec<String> {
    app.database
        .texts("SELECT tableoid::regclass || ' ' || job_id FROM job_attempts ORDER BY job_id")
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_move_into_ranges_of_jobs_and_leave_with_them() {
    let app = TestApp::start().await;
    app.database.forget_ranges().await;
    app.database
        .execute(
            "INSERT INTO jobs (id, kind, queue, args, max_attempts, state) OVERRIDING SYSTEM VALUE
             SELECT id, 'ledger_check', 'bulk', '{}', 6, 'done' FROM unnest(ARRAY[5, 150, 251]) AS id;
             SELECT setval('jobs_id_seq', 251);
             INSERT INTO job_attempts (job_id, attempt, worker, outcome, started_at)
             SELECT id, 1, 'w', 'retry', now() FROM jobs",
        )
        .await;
    let all_in = |parts: [&str; 3]| -> Vec<String> {
        parts
            .iter()
            .zip([5, 150, 251])
            .map(|(part, job)| format!("job_attempts_{part} {job}"))
            .collect()
    };
    assert_eq!(attempts(&app).await, all_in(["default"; 3]));
    assert_eq!(maintain(&app).await, Maintained { made: 5, dropped: 0 }, "0 to 2, and two ahead");
    assert_eq!(attempts(&app).await, all_in(["100_0", "100_1", "100_2"]));
    assert_eq!(maintain(&app).await, Maintained { made: 0, dropped: 0 }, "a repeat does nothing");
    app.database.execute("DELETE FROM jobs WHERE id < 251").await;
    assert_eq!(maintain(&app).await, Maintained { made: 0, dropped: 2 });
    assert_eq!(attempts(&app).await, ["job_attempts_100_2 251"]);
    app.database.execute("SELECT setval('jobs_id_seq', 320)").await;
    assert_eq!(maintain(&app).await, Maintained { made: 1, dropped: 0 }, "ranges are made ahead");
    app.finish().await;
}
