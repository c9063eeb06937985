//! Every verb in every state: what it does, what it refuses, and that a refusal changes nothing.

use serde_json::{Value, json};
use tests::kinds::{Count, Fragile};
use tests::{Person, Reply, TestApp};

use super::{STATES, audited, clear, job_in, path, row};

/// What a verb does to a job in a state: `(state, ready)` afterwards and whether there was anything to do.
type Allowed = &'static [(&'static str, &'static str, bool)];

const RETRY: Allowed = &[
    ("ready", "pending", false),
    ("scheduled", "pending", true),
    ("retrying", "pending", true),
    ("dispatched", "dispatched", false),
    ("dead", "pending", true),
    ("cancelled", "pending", true),
];
const CANCEL: Allowed = &[
    ("ready", "cancelled", true),
    ("scheduled", "cancelled", true),
    ("retrying", "cancelled", true),
    ("dispatched", "cancelled", true),
    ("running", "running", true),
    ("cancelled", "cancelled", false),
];
const SNOOZE: Allowed = &[
    ("ready", "pending", true),
    ("scheduled", "pending", true),
    ("retrying", "pending", true),
    ("dispatched", "pending", true),
];
const DISCARD: Allowed = &[("dead", "cancelled", true), ("cancelled", "cancelled", false)];

async fn press(staff: &Person, verb: &str, id: i64) -> Reply {
    let body = match verb {
        "snooze" => json!({ "delay_seconds": 7_200, "reason": "a quiet hour" }),
        _ => json!({ "reason": "a quiet hour" }),
    };
    staff.client.post(&path(&format!("{id}/{verb}/")), body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_does_what_it_says_in_every_state_or_refuses_and_changes_nothing() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for (verb, allowed) in
        [("retry", RETRY), ("cancel", CANCEL), ("snooze", SNOOZE), ("discard", DISCARD)]
    {
        for from in STATES {
            let id = job_in(&app, from).await;
            let (before, lines) = (row(&app, id).await, audited(&app).await);
            let reply = press(&staff, verb, id).await;
            let Some((_, to, acts)) = allowed.iter().find(|(state, ..)| *state == from) else {
                let reply = reply.expect_error(409, "INVALID_STATE");
                assert!(reply.text_at("/error/details/hint/0").len() > 10, "{verb} {from}");
                assert_eq!(row(&app, id).await, before, "{verb} of a {from} job changed it");
                assert_eq!(audited(&app).await, lines, "a refusal is not audited");
                continue;
            };
            let reply = reply.expect(200);
            assert_eq!(reply.text_at("/state"), *to, "{verb} of a {from} job");
            assert_eq!(audited(&app).await - lines, i64::from(*acts), "{verb} of a {from} job");
            assert!(*acts || row(&app, id).await == before, "{verb} of a {from} job changed it");
            if verb != "snooze" {
                let lines = audited(&app).await;
                press(&staff, verb, id).await.expect(200);
                assert_eq!(audited(&app).await, lines, "{verb} of a {from} job twice");
            }
            clear(&app).await;
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_begins_now_with_all_attempts_before_it_and_forgets_old_wishes() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let id = job_in(&app, "dead").await;
    app.database
        .execute(&format!(
            "INSERT INTO job_cancellations (job_id, requested_by) VALUES ({id}, 'x')"
        ))
        .await;
    let job = press(&staff, "retry", id).await.expect(200);
    let limit = shared::jobs::registry().get("ledger_check").expect("known").limits.max_attempts;
    assert_eq!(job.at("/attempt"), &json!(6), "numbers go on");
    assert_eq!(job.at("/max_attempts"), &json!(6 + limit));
    assert_eq!((job.at("/crashes"), job.at("/finished_at")), (&json!(0), &Value::Null));
    assert_eq!(job.at("/stop"), &Value::Null);
    assert_eq!(
        app.database.number("SELECT count(*) FROM job_cancellations").await,
        0,
        "a wish from before does not stop the new run"
    );
    let waits = format!("SELECT extract(epoch FROM run_at - app_now()) FROM jobs WHERE id = {id}");
    assert!(app.database.number(&waits).await <= 0, "it is due");
    let scheduled = job_in(&app, "scheduled").await;
    let job = press(&staff, "retry", scheduled).await.expect(200);
    assert_eq!((job.at("/attempt"), job.at("/max_attempts")), (&json!(0), &json!(6)));
    assert!(job.at("/age_seconds").as_i64().expect("a number") >= 0, "its time is now");
    clear(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_job_that_is_retried_takes_effect_exactly_once() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.enqueue(Fragile { key: "once-more".into(), works_at: 2 }).await;
    app.database.execute("UPDATE jobs SET max_attempts = 1").await;
    app.run_due_jobs().await;
    let id = app.database.number("SELECT max(id) FROM jobs WHERE state = 'dead'").await;
    let dead = staff.client.get(&path(&format!("{id}/"))).await.expect(200);
    assert_eq!(dead.text_at("/attempts/0/outcome"), "dead");
    assert_eq!(dead.text_at("/next/code"), "waits_for_operator");
    press(&staff, "retry", id).await.expect(200);
    assert_eq!(app.run_due_jobs().await, 1);
    assert_eq!(app.database.number("SELECT count(*) FROM effects").await, 1);
    let done = staff.client.get(&path(&format!("{id}/"))).await.expect(200);
    assert_eq!(done.text_at("/state"), "done");
    assert_eq!(done.at("/attempts").as_array().map(Vec::len), Some(2), "{}", done.text);
    assert_eq!(done.text_at("/attempts/1/outcome"), "ok");

    app.enqueue(Count { key: "applied-before".into() }).await;
    app.run_due_jobs().await;
    app.database.execute("UPDATE jobs SET state = 'dead' WHERE kind = 'test_count'").await;
    let id = app.database.number("SELECT max(id) FROM jobs WHERE kind = 'test_count'").await;
    press(&staff, "retry", id).await.expect(200);
    assert_eq!(app.run_due_jobs().await, 1);
    assert_eq!(app.database.number("SELECT count(*) FROM effects").await, 2, "applied before");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_not_retried_while_a_live_one_has_its_business_key() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let (dead, live) = (job_in(&app, "dead").await, job_in(&app, "scheduled").await);
    app.database.execute("UPDATE jobs SET unique_key = 'daily'").await;
    let before = row(&app, dead).await;
    let reply = press(&staff, "retry", dead).await.expect_error(409, "INVALID_STATE");
    assert_eq!(reply.at("/error/details/live_job"), &json!(live));
    assert_eq!(reply.text_at("/error/details/status"), "dead");
    assert_eq!(row(&app, dead).await, before);
    app.database.execute(&format!("UPDATE jobs SET state = 'done' WHERE id = {live}")).await;
    press(&staff, "retry", dead).await.expect(200);
    clear(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snoozed_job_runs_when_its_time_has_come_and_has_lost_no_attempt() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.enqueue(Count { key: "later".into() }).await;
    let id = app.database.number("SELECT max(id) FROM jobs").await;
    let job = press(&staff, "snooze", id).await.expect(200);
    assert!(job.at("/age_seconds").as_i64().expect("a number") < -7_190, "{}", job.text);
    assert_eq!(app.run_due_jobs().await, 0);
    let until = (app.now().await + chrono::TimeDelta::minutes(30)).to_rfc3339();
    let body = json!({ "until": until });
    staff.client.post(&path(&format!("{id}/snooze/")), body).await.expect(200);
    app.advance("29 minutes").await;
    assert_eq!(app.run_due_jobs().await, 0);
    app.advance("2 minutes").await;
    assert_eq!(app.run_due_jobs().await, 1);
    assert_eq!(app.database.texts("SELECT state || ' ' || attempt FROM jobs").await, ["done 1"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_log_says_who_did_what_to_which_job_and_why() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let dead = job_in(&app, "dead").await;
    press(&staff, "retry", dead).await.expect(200);
    press(&staff, "cancel", dead).await.expect(200);
    let lines = app
        .database
        .texts(
            "SELECT action || ' ' || actor || ' ' || object_type || ' ' || object_id || ' ' || (details->>'from') ||
                    ' ' || (details->>'reason') || ' ' || (request_id IS NOT NULL)
             FROM audit_log WHERE action LIKE 'jobs.%' ORDER BY id",
        )
        .await;
    let by = format!("staff:{} job {dead}", staff.id);
    assert_eq!(
        lines,
        [
            format!("jobs.retry {by} dead a quiet hour true"),
            format!("jobs.cancel {by} pending a quiet hour true")
        ]
    );
    let left = format!("SELECT last_error FROM jobs WHERE id = {dead}");
    assert_eq!(app.database.texts(&left).await, ["cancelled by an operator: a quiet hour"]);
    let dead = job_in(&app, "dead").await;
    press(&staff, "discard", dead).await.expect(200);
    let left = format!("SELECT last_error FROM jobs WHERE id = {dead}");
    assert_eq!(app.database.texts(&left).await, ["discarded: a quiet hour"]);
    app.finish().await;
}
