//! Jobs that ended long ago are removed; what others still decide by is kept.

use shared::jobs::kinds::{MaintainPartitions, PruneJobs, ReconcileEscrows};
use tests::{Story, TestApp};

use super::{can_be_stopped, impatient, run, survives_a_kill, told};

/// A job that ended so long ago.
async fn ended(app: &TestApp, queue: &str, state: &str, ago: &str, key: Option<&str>) {
    let key = key.map_or("NULL".to_owned(), |key| format!("'{key}'"));
    app.database
        .execute(&format!(
            "INSERT INTO jobs (kind, queue, args, state, max_attempts, unique_key, created_at, run_at, finished_at, last_error)
             VALUES ('test_count', '{queue}', '{{\"key\": \"k\"}}', '{state}', 3, {key}, app_now() - interval '{ago}', app_now() - interval '{ago}',
                     app_now() - interval '{ago}', '{queue} {state} {ago}')"
        ))
        .await;
}

/// What is left of them.
async fn left(app: &TestApp) -> Vec<String> {
    app.database.texts("SELECT last_error FROM jobs WHERE kind = 'test_count' ORDER BY id").await
}

#[tokio::test]
async fn a_job_is_kept_for_its_time_after_its_end() {
    let app = TestApp::start().await;
    for state in ["done", "cancelled"] {
        ended(&app, "default", state, "7 days 1 second", None).await;
    }
    ended(&app, "default", "dead", "180 days 1 second", None).await;
    for (state, ago) in [
        ("dead", "179 days 23:59"),
        ("done", "6 days 23:59"),
        ("cancelled", "6 days 23:59"),
        ("dead", "7 days 1 second"),
    ] {
        ended(&app, "default", state, ago, None).await;
    }
    // Recorded long ago and not over yet, or over a moment ago.
    app.database
        .execute(
            "INSERT INTO jobs (kind, queue, args, state, max_attempts, created_at, run_at, finished_at, last_error, dispatched_at, lease_until, worker)
             SELECT 'test_count', 'mail', '{\"key\": \"k\"}', state, 3, app_now() - interval '1 year', app_now() + interval '1 hour', ended, 'old ' || state,
                    now(), now() + interval '1 hour', 'w'
             FROM (VALUES ('pending', NULL::timestamptz), ('dispatched', NULL), ('running', NULL), ('done', app_now())) AS s (state, ended)",
        )
        .await;
    run::<PruneJobs>(&app).await;
    assert_eq!(
        left(&app).await,
        [
            "default dead 179 days 23:59",
            "default done 6 days 23:59",
            "default cancelled 6 days 23:59",
            "default dead 7 days 1 second",
            "old pending",
            "old dispatched",
            "old running",
            "old done"
        ]
    );
    assert_eq!(told::<PruneJobs>(&app).await, ["done 3/3"]);
    app.advance("2 minutes").await;
    run::<PruneJobs>(&app).await;
    assert_eq!(
        left(&app).await,
        [
            "default dead 7 days 1 second",
            "old pending",
            "old dispatched",
            "old running",
            "old done"
        ]
    );
    app.database.execute("DELETE FROM jobs WHERE kind = 'test_count'").await;
    app.finish().await;
}

#[tokio::test]
async fn the_last_word_on_a_business_key_is_kept() {
    let app = TestApp::start().await;
    ended(&app, "money", "dead", "300 days", Some("stopped:1")).await;
    ended(&app, "money", "cancelled", "299 days", Some("stopped:1")).await;
    ended(&app, "default", "cancelled", "298 days", Some("stopped:2")).await;
    ended(&app, "default", "dead", "297 days", Some("resumed:3")).await;
    ended(&app, "default", "done", "296 days", Some("resumed:3")).await;
    ended(&app, "mail", "dead", "295 days", Some("refused:4")).await;
    app.database
        .execute("INSERT INTO job_cancellations (job_id, requested_by) SELECT id, 'an operator' FROM jobs")
        .await;
    run::<PruneJobs>(&app).await;
    assert_eq!(left(&app).await, ["money cancelled 299 days", "default cancelled 298 days"]);
    assert_eq!(told::<PruneJobs>(&app).await, ["done 6/6"]);
    let requests =
        "SELECT last_error FROM job_cancellations c LEFT JOIN jobs j ON j.id = c.job_id ORDER BY 1";
    assert_eq!(
        app.database.texts(requests).await,
        ["default cancelled 298 days", "money cancelled 299 days"]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_payment_that_an_operator_stopped_does_not_come_back_when_the_job_is_old() {
    let app = TestApp::start().await;
    let deal = Story::new(&app).delivered().await;
    app.run_due_jobs().await;
    let stop = "UPDATE jobs SET state = 'cancelled', finished_at = app_now() WHERE kind = 'release_escrow_payment'";
    app.database.execute(stop).await;
    app.advance("350 days").await;
    run::<PruneJobs>(&app).await;
    run::<ReconcileEscrows>(&app).await;
    let jobs = "SELECT state FROM jobs WHERE kind = 'release_escrow_payment'";
    assert_eq!(app.database.texts(jobs).await, ["cancelled"]);
    assert_eq!(app.available(&deal.seller).await, "0.00");
    let finished = "SELECT count(*) FROM jobs WHERE finished_at < app_now() - interval '7 days'";
    assert_eq!(app.database.number(finished).await, 1, "everything else is gone");
    app.finish().await;
}

#[tokio::test]
async fn ticks_are_kept_for_ninety_days_and_the_last_of_each_schedule_for_ever() {
    let app = TestApp::start().await;
    app.database
        .execute(
            "INSERT INTO cron_ticks (schedule, tick_at, fired_by)
             SELECT 'often', app_now() - interval '91 days' + n * interval '1 minute', 's' FROM generate_series(1, 2000) AS n;
             INSERT INTO cron_ticks (schedule, tick_at, fired_by) VALUES
             ('often', app_now() - interval '89 days 01:00:30', 's'),
             ('rare', app_now() - interval '200 days', 's'), ('rare', app_now() - interval '100 days', 's'),
             ('ahead', app_now() - interval '100 days', 's'), ('ahead', app_now() + interval '1 day', 's')",
        )
        .await;
    let young = app
        .database
        .number("SELECT count(*) FROM cron_ticks WHERE schedule = 'often' AND tick_at > app_now() - interval '90 days'")
        .await;
    run::<PruneJobs>(&app).await;
    let left = app
        .database
        .texts("SELECT schedule || ' ' || count(*) FROM cron_ticks GROUP BY schedule ORDER BY 1")
        .await;
    // A tick of a clock that ran ahead is not where a scheduler goes on: the last of the past is kept beside it.
    assert_eq!(left, ["ahead 2".to_owned(), format!("often {young}"), "rare 1".to_owned()]);
    app.finish().await;
}

/// So many jobs that ended long ago.
async fn bury(app: &TestApp, rows: u32) {
    app.database
        .execute(&format!(
            "INSERT INTO jobs (kind, queue, args, state, max_attempts, created_at, finished_at)
             SELECT 'test_count', 'default', '{{}}', 'done', 3, app_now() - interval '9 days', app_now() - interval '9 days'
             FROM generate_series(1, {rows})"
        ))
        .await;
}

#[tokio::test]
async fn pruning_survives_a_kill() {
    let app = impatient().await;
    bury(&app, 2_500).await;
    survives_a_kill::<PruneJobs>(&app, 1_000, 2_500).await;
    assert!(left(&app).await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn pruning_can_be_stopped_and_begun_again() {
    let app = impatient().await;
    bury(&app, 2_500).await;
    can_be_stopped::<PruneJobs>(&app, 1_000, 2_500).await;
    assert_eq!(app.database.number("SELECT count(*) FROM jobs WHERE kind = 'test_count'").await, 0);
    app.finish().await;
}

/// The partitions of the attempts' history but the default one.
async fn partitions(app: &TestApp) -> Vec<String> {
    app.database
        .texts(
            "SELECT inhrelid::regclass FROM pg_inherits
             WHERE inhparent = 'job_attempts'::regclass AND inhrelid <> 'job_attempts_default'::regclass ORDER BY 1",
        )
        .await
}

#[tokio::test]
async fn the_attempts_history_has_room_ahead_and_is_dropped_behind() {
    let app = TestApp::start().await;
    let named = |numbers: std::ops::Range<u32>| -> Vec<String> {
        numbers.map(|number| format!("job_attempts_10000000_{number}")).collect()
    };
    assert_eq!(partitions(&app).await, named(0..5), "a new platform has room before its first job");
    app.database.forget_ranges().await;
    app.database
        .execute("INSERT INTO job_attempts VALUES (1, 1, 'w', 'retry', NULL, now()), (10000000, 1, 'w', 'dead', NULL, now())")
        .await;
    run::<MaintainPartitions>(&app).await;
    run::<MaintainPartitions>(&app).await;
    assert_eq!(partitions(&app).await, named(0..5));
    let rows = "SELECT tableoid::regclass || ' ' || job_id FROM job_attempts ORDER BY job_id";
    let moved = ["job_attempts_10000000_0 1", "job_attempts_10000000_1 10000000"];
    assert_eq!(app.database.texts(rows).await, moved);
    app.database.execute("DELETE FROM jobs; SELECT setval('jobs_id_seq', 25000000)").await;
    run::<MaintainPartitions>(&app).await;
    assert_eq!(partitions(&app).await, named(2..7));
    assert_eq!(app.database.number("SELECT count(*) FROM job_attempts").await, 0);
    let states = app.database.texts("SELECT DISTINCT state FROM jobs").await;
    assert_eq!(states, ["done"]);
    app.finish().await;
}
