//! Metrics and health: every process shows them on its internal port.

use tests::{Process, TestApp, eventually};

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
    format!(
        "127.0.0.1:{}",
        std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port")
            .port()
    )
}

async fn scrape(address: &str, path: &str) -> Option<(u16, String)> {
    let response = reqwest::get(format!("http://{address}{path}")).await.ok()?;
    Some((response.status().as_u16(), response.text().await.ok()?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_process_shows_its_metrics_and_says_when_it_is_ready() {
    let app = TestApp::start().await;
    app.enqueue(shared::jobs::kinds::ReconcileEscrows::default()).await;
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
        if binary == "worker" {
            eventually("a job was run", async || {
                scrape(&address, "/metrics")
                    .await
                    .is_some_and(|(_, text)| text.contains("job_finished_total{"))
            })
            .await;
        }
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
    for name in NAMES.iter().filter(|name| **name != "job_enqueued_total") {
        assert!(shown.contains(name), "{name} is shown by some process");
    }
    for (binary, mut process) in processes {
        assert!(process.terminate().success(), "{binary} ends well on SIGTERM");
    }
    app.finish().await;
}
