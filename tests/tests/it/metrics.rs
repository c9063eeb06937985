//! Metrics and health: every process shows them on its internal port.

use shared::jobs;
use tests::{Process, TestApp, eventually, free_port, sell_body};

/// Names that dashboards and alerts are built on.
const NAMES: &[&str] = &[
    "http_requests_total",
    "job_enqueued_total",
    "job_started_total",
    "job_finished_total",
    "job_duration_seconds_bucket",
    "job_wait_seconds_bucket",
    "job_depth",
    "job_oldest_age_seconds",
    "job_slots",
    "job_max_runtime_seconds",
    "relay_lag_seconds",
    "relay_inflight_window",
    "transport_mode",
    "redis_epoch",
    "ledger_imbalance_minor_units",
    "wallet_vs_ledger_mismatch_count",
    "escrow_held_count",
    "escrow_held_amount",
    "escrow_release_overdue_count",
    "escrow_release_overdue_max_seconds",
    "deposit_pending_count",
    "db_pool_connections",
];

fn free_address() -> String {
    format!("127.0.0.1:{}", free_port())
}

async fn scrape(address: &str, path: &str) -> Option<(u16, String)> {
    let response = reqwest::get(format!("http://{address}{path}")).await.ok()?;
    Some((response.status().as_u16(), response.text().await.ok()?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_process_shows_its_metrics_and_says_when_it_is_ready() {
    let app = TestApp::start().await;
    app.enqueue(shared::jobs::kinds::ReconcileEscrows::default()).await;
    let seller = app.person("seller").await;
    let games = app.client.get("games/").await.expect(200);
    seller.client.post("listings/", sell_body(games.text_at("/results/0/id"))).await.expect(201);
    app.advance("49 hours").await;
    let mut shown = String::new();
    let mut processes = Vec::new();
    for (binary, listen) in [
        ("api", "API_METRICS_LISTEN"),
        ("worker", "WORKER_METRICS_LISTEN"),
        ("scheduler", "SCHEDULER_METRICS_LISTEN"),
    ] {
        let address = free_address();
        let mut variables = app.variables();
        variables.insert(listen.to_owned(), address.clone());
        variables.insert("API_LISTEN".to_owned(), free_address());
        processes.push((binary, Process::start(binary, &variables)));
        eventually("the process is ready", async || {
            scrape(&address, "/health/ready/").await.is_some_and(|(status, _)| status == 200)
        })
        .await;
        let first = match binary {
            "api" => "auto_approval_overdue_count 1\n",
            "worker" => "reconciler_last_success_timestamp{",
            // The distance of the ticks, and not the time to the next one.
            _ => "cron_interval_seconds{schedule=\"ledger_check\"} 60\n",
        };
        eventually(&format!("{binary} shows {first}"), async || {
            scrape(&address, "/metrics").await.is_some_and(|(_, text)| text.contains(first))
        })
        .await;
        if binary == "api" {
            let api = variables["API_LISTEN"].clone();
            assert_eq!(scrape(&api, "/health/").await.map(|(status, _)| status), Some(200));
            assert_eq!(scrape(&api, "/health/ready/").await.map(|(status, _)| status), Some(200));
            assert!(
                matches!(scrape(&api, "/health/detailed/").await, Some((401 | 403, _))),
                "details are for staff"
            );
            assert_eq!(
                scrape(&api, "/metrics").await.map(|(status, _)| status),
                Some(404),
                "metrics are not public"
            );
        }
        let (status, text) = scrape(&address, "/metrics").await.expect("answers");
        assert_eq!(status, 200);
        shown.push_str(&text);
    }
    for name in NAMES {
        assert!(shown.contains(name), "{name} is shown by some process");
    }
    for (binary, mut process) in processes {
        assert!(process.terminate().success(), "{binary} ends well on SIGTERM");
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn depths_are_counted_to_a_limit_and_ages_are_exact_however_much_waits() {
    let app = TestApp::start().await;
    app.database
        .execute(
            "INSERT INTO jobs (kind, queue, args, max_attempts, run_at)
             SELECT 'test_count', 'bulk', '{}', 3, app_now() - interval '3 hours' + make_interval(secs => n / 10.0)
             FROM generate_series(0, 10499) AS n;
             INSERT INTO jobs (kind, queue, args, max_attempts, run_at) VALUES
                 ('test_count', 'money', '{}', 3, app_now() - interval '10 minutes'),
                 ('of_tomorrow', 'money', '{}', 3, app_now() - interval '5 minutes'),
                 ('test_count', 'money', '{}', 3, app_now() + interval '5 minutes');
             INSERT INTO jobs (kind, queue, args, max_attempts, state, dispatched_at)
                 VALUES ('test_count', 'money', '{}', 3, 'dispatched', now() - interval '20 seconds');
             INSERT INTO jobs (kind, queue, args, max_attempts, state, worker, lease_until, started_at,
                               progress_done, progress_total)
                 VALUES ('test_long', 'mail', '{}', 3, 'running', 'w', now(), now() - interval '30 seconds', 40, 100);
             INSERT INTO jobs (kind, queue, args, max_attempts, state, finished_at)
                 SELECT 'test_' || n % 2, 'mail', '{}', 3, 'dead', app_now() - make_interval(mins => n)
                 FROM generate_series(1, 5) AS n",
        )
        .await;
    let conn = &mut app.app.db.read().await.expect("connects");
    let backlog = jobs::backlog(conn).await.expect("answers");
    for (queue, state, depth, seconds) in [
        ("bulk", "ready", jobs::DEPTH_MAX, 10_800),
        ("money", "ready", 2, 600),
        ("money", "scheduled", 1, 0),
        ("money", "dispatched", 1, 20),
        ("mail", "running", 1, 30),
        ("default", "ready", 0, 0),
    ] {
        let row =
            backlog.iter().find(|row| (row.queue.as_str(), row.state.as_str()) == (queue, state));
        let row = row.unwrap_or_else(|| panic!("{queue} {state} is there"));
        assert_eq!(row.depth, depth, "{queue} {state}");
        let age = row.oldest_age_ms - seconds * 1_000;
        assert!((0..30_000).contains(&age), "{queue} {state} is {} ms old", row.oldest_age_ms);
    }
    let mut dead = jobs::dead_by_kind(conn).await.expect("answers");
    dead.sort_by(|one, other| one.kind.cmp(&other.kind));
    let dead: Vec<_> = dead
        .iter()
        .map(|row| (row.kind.as_str(), row.queue.as_str(), row.depth, row.oldest_age_ms / 60_000))
        .collect();
    assert_eq!(dead, [("test_0", "mail", 2, 4), ("test_1", "mail", 3, 5)]);
    let unknown = jobs::unknown_kinds(conn, &["test_count"]).await.expect("answers");
    assert_eq!(
        unknown.iter().map(|row| (row.kind.as_str(), row.depth)).collect::<Vec<_>>(),
        [("of_tomorrow", 1)]
    );
    let long = jobs::long_work(conn).await.expect("answers");
    assert_eq!(
        long.iter().map(|row| (row.kind.as_str(), row.done, row.due)).collect::<Vec<_>>(),
        [("test_long", 40, 100)]
    );
    app.database.execute("DELETE FROM jobs").await;
    app.finish().await;
}

#[tokio::test]
async fn a_paused_queue_and_a_worker_that_leaves_are_seen() {
    let app = TestApp::start().await;
    app.database
        .execute(
            "INSERT INTO job_queues (queue, paused_at, paused_by) VALUES ('mail', now(), 'me'), ('bulk', NULL, NULL);
             INSERT INTO job_workers (worker, queue, slots, seen_at, drain_requested_at) VALUES
                 ('here', 'mail', 1, now(), NULL), ('leaving', 'mail', 1, now(), now()),
                 ('gone', 'mail', 1, now() - interval '1 minute', NULL)",
        )
        .await;
    let conn = &mut app.app.db.read().await.expect("connects");
    let mut crews = jobs::crews(conn).await.expect("answers");
    crews.sort_by(|one, other| one.queue.cmp(&other.queue));
    let crews: Vec<_> = crews
        .iter()
        .map(|crew| (crew.queue.as_str(), crew.paused, crew.active, crew.draining))
        .collect();
    assert_eq!(
        crews,
        [
            ("bulk", false, 0, 0),
            ("default", false, 0, 0),
            ("mail", true, 1, 1),
            ("money", false, 0, 0)
        ]
    );
    app.finish().await;
}
