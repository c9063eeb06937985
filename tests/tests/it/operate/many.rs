//! All dead jobs of a kind at a time.

use serde_json::json;
use tests::{Finished, TestApp};

use super::{audited, clear, job_in, path};

async fn dead(app: &TestApp, kind: &str, count: usize) {
    app.database
        .execute(&format!(
            "INSERT INTO jobs (kind, queue, args, state, attempt, max_attempts, crashes, last_error, finished_at)
             SELECT '{kind}', 'bulk', '{{}}', 'dead', 6, 6, 1, 'boom', app_now() - n * interval '1 minute'
             FROM generate_series(1, {count}) AS n"
        ))
        .await;
}

async fn count(app: &TestApp, state: &str) -> i64 {
    app.database.number(&format!("SELECT count(*) FROM jobs WHERE state = '{state}'")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_dead_jobs_of_a_kind_run_again_except_those_whose_key_is_taken() {
    let app = TestApp::start().await;
    let superuser = app.superuser().await;
    dead(&app, "ledger_check", 1_200).await;
    dead(&app, "reconcile_escrows", 3).await;
    job_in(&app, "ready").await;
    app.database
        .execute(
            "UPDATE jobs SET unique_key = 'live' WHERE state = 'pending';
             UPDATE jobs SET unique_key = 'live' WHERE id = (SELECT min(id) FROM jobs WHERE kind = 'ledger_check');
             UPDATE jobs SET unique_key = 'twins' WHERE id IN (SELECT id FROM jobs WHERE kind = 'ledger_check' AND state = 'dead'
                                                               ORDER BY id DESC LIMIT 3);
             INSERT INTO job_cancellations (job_id, requested_by) SELECT id, 'x' FROM jobs WHERE state = 'dead'",
        )
        .await;
    let body = json!({ "kind": "ledger_check", "reason": "the bug is fixed" });
    let reply = superuser.client.post(&path("retry-dead/"), body.clone()).await.expect(200);
    assert_eq!(
        reply.json,
        json!({ "kind": "ledger_check", "changed": 1_197, "skipped": 3, "more": false })
    );
    assert_eq!((count(&app, "dead").await, count(&app, "pending").await), (6, 1_198));
    let limit = shared::jobs::registry().get("ledger_check").expect("known").limits.max_attempts;
    let fresh = format!(
        "SELECT count(*) FROM jobs WHERE kind = 'ledger_check' AND attempt = 6 AND crashes = 0 AND finished_at IS NULL
            AND max_attempts = 6 + {limit} AND run_at <= app_now()"
    );
    assert_eq!(app.database.number(&fresh).await, 1_197);
    assert_eq!(app.database.number("SELECT count(*) FROM job_cancellations").await, 6);
    assert_eq!(audited(&app).await, 3, "a line per batch");
    let told = "SELECT sum(jsonb_array_length(details->'jobs')) FROM audit_log
                WHERE action = 'jobs.retry_dead' AND object_id = 'ledger_check' AND details->>'reason' = 'the bug is fixed'";
    assert_eq!(app.database.number(told).await, 1_197, "with the jobs it speaks of");
    let again = superuser.client.post(&path("retry-dead/"), body).await.expect(200);
    assert_eq!((again.at("/changed"), again.at("/skipped")), (&json!(0), &json!(3)));
    assert_eq!(audited(&app).await, 3);
    clear(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_the_dead_is_chosen_by_age_and_number() {
    let app = TestApp::start().await;
    let superuser = app.superuser().await;
    dead(&app, "ledger_check", 20).await;
    let body = json!({ "kind": "ledger_check", "limit": 5 });
    let reply = superuser.client.post(&path("discard-dead/"), body).await.expect(200);
    assert_eq!((reply.at("/changed"), reply.at("/more")), (&json!(5), &json!(true)));
    let left = "SELECT count(*) FROM jobs WHERE state = 'dead' AND finished_at < app_now() - interval '15 minutes 30 seconds'";
    assert_eq!(app.database.number(left).await, 0, "the longest dead are the first");
    let ten_ago = (app.now().await - chrono::TimeDelta::seconds(630)).to_rfc3339();
    let body = json!({ "kind": "ledger_check", "died_before": ten_ago });
    let reply = superuser.client.post(&path("retry-dead/"), body).await.expect(200);
    assert_eq!((reply.at("/changed"), reply.at("/more")), (&json!(5), &json!(false)));
    assert_eq!((count(&app, "dead").await, count(&app, "cancelled").await), (10, 5));
    let body = json!({ "kind": "no_such_kind" });
    let reply = superuser.client.post(&path("discard-dead/"), body).await.expect(200);
    assert_eq!(reply.at("/changed"), &json!(0));
    clear(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_works_through_the_dead_too_and_says_which_kinds_are_failing() {
    let app = TestApp::start().await;
    dead(&app, "ledger_check", 7).await;
    let variables = app.variables();
    let wibe = |args: &[&str]| Finished::run("wibe", &[&["jobs"], args].concat(), &variables);
    let failing = wibe(&["kinds", "--failing"]).expect(0).out;
    assert!(failing.contains("ledger_check") && failing.contains("boom"), "{failing}");
    assert!(!failing.contains("reconcile_escrows"), "{failing}");
    let some =
        wibe(&["retry-dead", "ledger_check", "--died-before", "150s", "--limit", "2", "--json"]);
    assert_eq!(
        some.expect(0).json(),
        json!({ "kind": "ledger_check", "changed": 2, "skipped": 0, "more": true })
    );
    let rest = wibe(&["discard-dead", "ledger_check", "--reason", "tests"]).expect(0).out;
    assert!(rest.starts_with("5 dead jobs of ledger_check are discarded"), "{rest}");
    assert_eq!((count(&app, "dead").await, count(&app, "cancelled").await), (0, 5));
    assert!(wibe(&["kinds", "--failing"]).expect(0).out.contains("no kind has dead jobs"));
    clear(&app).await;
    app.finish().await;
}
