//! Operators' hands: what staff and the command line see and do to jobs.

mod access;
mod command_line;
mod lists;
mod long_work;
mod many;
mod platform;
mod queues;
mod running;
mod verbs;
mod workers;

use std::collections::HashMap;

use tests::TestApp;

/// The states a job can be met in.
const STATES: [&str; 8] =
    ["ready", "scheduled", "retrying", "dispatched", "running", "done", "dead", "cancelled"];

/// Records a job in a state, as the platform would have left it there, and returns its id.
async fn job_in(app: &TestApp, state: &str) -> i64 {
    let (columns, values) = match state {
        "ready" => ("state", "'pending'"),
        "scheduled" => ("state, run_at", "'pending', app_now() + interval '1 hour'"),
        "retrying" => (
            "state, run_at, attempt, last_error",
            "'pending', app_now() + interval '5 minutes', 3, 'the mail server is away'",
        ),
        "dispatched" => ("state, dispatch_gen, dispatched_at", "'dispatched', 1, now()"),
        "running" => (
            "state, attempt, lease_token, lease_until, worker, started_at",
            "'running', 1, 1, now() + interval '1 hour', 'worker-1', now()",
        ),
        "done" => (
            "state, attempt, worker, started_at, ended_at, finished_at",
            "'done', 1, 'worker-1', now() - interval '150 ms', now(), app_now()",
        ),
        "dead" => (
            "state, attempt, max_attempts, crashes, worker, last_error, finished_at",
            "'dead', 6, 6, 2, 'worker-1', 'the account is closed', app_now()",
        ),
        "cancelled" => {
            ("state, last_error, finished_at", "'cancelled', 'cancelled by an operator', app_now()")
        }
        other => panic!("no job is {other}"),
    };
    let max = if state == "dead" { ("", "") } else { ("max_attempts, ", "6, ") };
    app.database
        .execute(&format!(
            "INSERT INTO jobs (kind, queue, args, {}{columns}) VALUES ('ledger_check', 'bulk', '{{}}', {}{values})",
            max.0, max.1
        ))
        .await;
    app.database.number("SELECT max(id) FROM jobs").await
}

/// A row as it is, to be compared with itself.
async fn row(app: &TestApp, id: i64) -> Vec<String> {
    app.database.texts(&format!("SELECT to_jsonb(jobs) FROM jobs WHERE id = {id}")).await
}

/// The state of a job.
async fn state(app: &TestApp, id: i64) -> String {
    app.database.texts(&format!("SELECT state FROM jobs WHERE id = {id}")).await.remove(0)
}

/// The lines of the audit log that speak of the job platform.
async fn audited(app: &TestApp) -> i64 {
    app.database.number("SELECT count(*) FROM audit_log WHERE action LIKE 'jobs.%'").await
}

/// Takes away what a test has put there and nobody runs.
async fn clear(app: &TestApp) {
    app.database.execute("DELETE FROM jobs; DELETE FROM job_cancellations").await;
}

/// A path of the operators' API.
fn path(rest: &str) -> String {
    format!("admin-panel/jobs/{rest}")
}

/// The variables of a worker that is quick enough for a test.
fn impatient(app: &TestApp) -> HashMap<String, String> {
    let mut variables = app.variables();
    for (name, value) in [
        ("JOBS_LEASE", "2s"),
        ("JOBS_SWEEP_EVERY", "200ms"),
        ("JOBS_POLL_EVERY", "100ms"),
        ("WORKER_METRICS_LISTEN", "127.0.0.1:0"),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    variables
}
