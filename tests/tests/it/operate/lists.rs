//! Finding a job and looking at it.

use serde_json::{Value, json};
use tests::{Finished, Person, TestApp, eventually};

use super::{STATES, clear, job_in, path};

async fn ids(staff: &Person, query: &str) -> Vec<i64> {
    let page = staff.client.get(&path(&format!("?{query}"))).await.expect(200);
    let results = page.at("/results").as_array().expect("a list");
    results.iter().map(|job| job["id"].as_i64().expect("an id")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_found_by_everything_an_operator_knows_of_them() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let mut made = Vec::new();
    for state in STATES {
        made.push(job_in(&app, state).await);
    }
    let id = |state: &str| made[STATES.iter().position(|known| *known == state).expect("known")];
    for state in STATES {
        // A job that waits for its next attempt is due later, too.
        let retrying = (state == "scheduled").then(|| id("retrying"));
        let met: Vec<i64> = retrying.into_iter().chain([id(state)]).collect();
        assert_eq!(ids(&staff, &format!("state={state}")).await, met, "{state}");
    }
    let pending = [id("retrying"), id("scheduled"), id("ready")];
    assert_eq!(ids(&staff, "state=pending").await, pending);
    let mut newest_first = made.clone();
    newest_first.reverse();
    assert_eq!(ids(&staff, "").await, newest_first);
    assert_eq!(ids(&staff, "ordering=created_at").await, made);
    app.database
        .execute(&format!(
            "UPDATE jobs SET trace_id = 'request-7', unique_key = 'daily:1', kind = 'reconcile_escrows', queue = 'money',
                             created_at = app_now() - interval '2 hours' WHERE id = {}",
            id("done")
        ))
        .await;
    let hour_ago = (app.now().await - chrono::TimeDelta::hours(1)).format("%Y-%m-%dT%H:%M:%SZ");
    let done = [id("done")];
    for query in [
        "trace_id=request-7".to_owned(),
        "unique_key=daily:1".to_owned(),
        "kind=reconcile_escrows".to_owned(),
        "queue=money&state=done".to_owned(),
        format!("created_before={hour_ago}"),
    ] {
        assert_eq!(ids(&staff, &query).await, done, "{query}");
    }
    assert_eq!(ids(&staff, &format!("created_after={hour_ago}")).await.len(), STATES.len() - 1);
    assert_eq!(ids(&staff, "search=ACCOUNT is").await, [id("dead")]);
    assert!(ids(&staff, "search=%25").await.is_empty(), "a search is not a pattern");
    assert!(ids(&staff, "kind=reconcile_escrows&state=dead").await.is_empty());
    clear(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_history_is_paged_but_neither_counted_nor_leafed_to_its_end() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.database
        .execute(
            "INSERT INTO jobs (kind, queue, args, state, max_attempts, finished_at)
             SELECT 'ledger_check', 'bulk', '{}', 'done', 6, app_now() FROM generate_series(1, 10050)",
        )
        .await;
    let page = staff.client.get(&path("?limit=100&page=100")).await.expect(200);
    assert_eq!(page.at("/count"), &json!(10_000), "counting stops");
    assert_eq!(page.at("/results").as_array().map(Vec::len), Some(100));
    assert_eq!(page.at("/next"), &Value::Null);
    let beyond = staff.client.get(&path("?limit=100&offset=9950")).await.expect(200);
    assert_eq!(beyond.at("/results").as_array().map(Vec::len), Some(50), "paging stops");
    let beyond = staff.client.get(&path("?offset=9223372036854775807")).await.expect(200);
    assert_eq!(beyond.at("/results"), &json!([]));
    let narrowed = staff.client.get(&path("?state=dead")).await.expect(200);
    assert_eq!(narrowed.at("/count"), &json!(0), "below the limit the count is exact");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_operators_look_for_in_a_big_table_is_found_by_an_index() {
    let app = TestApp::start_with(&[("DATABASE_POOL_SIZE", "1")]).await;
    let staff = app.staff().await;
    app.database
        .execute(
            "INSERT INTO jobs (kind, queue, args, state, max_attempts, trace_id, unique_key, finished_at)
             SELECT 'reconcile_escrows', 'money', '{}', 'done', 20, 'trace-' || n, 'key-' || n, app_now()
             FROM generate_series(1, 100000) AS n",
        )
        .await;
    for state in STATES {
        job_in(&app, state).await;
    }
    app.database.execute("ANALYZE jobs").await;
    let read = |column: &str| {
        format!("SELECT coalesce(sum({column}), 0) FROM pg_stat_user_tables WHERE relname = 'jobs'")
    };
    let before = app.database.number(&read("seq_tup_read")).await;
    let scans = app.database.number(&read("idx_scan")).await;
    let dead = ids(&staff, "state=dead").await[0];
    let looks = [
        String::new(),
        "?page=400".to_owned(),
        "?ordering=created_at".to_owned(),
        "?state=ready".to_owned(),
        "?state=ready&queue=bulk".to_owned(),
        "?state=scheduled".to_owned(),
        "?state=retrying".to_owned(),
        "?state=dispatched".to_owned(),
        "?state=running".to_owned(),
        "?state=cancelled".to_owned(),
        "?state=dead&kind=ledger_check".to_owned(),
        "?trace_id=trace-77".to_owned(),
        "?unique_key=key-77".to_owned(),
        "?search=account".to_owned(),
        "queues/".to_owned(),
        "kinds/".to_owned(),
        format!("{dead}/"),
    ];
    for look in &looks {
        staff.client.get(&path(look)).await.expect(200);
    }
    let all = scans + i64::try_from(looks.len()).expect("few");
    eventually("the server has told its statistics", async || {
        staff.client.get(&path(&format!("{dead}/"))).await.expect(200);
        app.database.number(&read("idx_scan")).await > all
    })
    .await;
    let rows = app.database.number(&read("seq_tup_read")).await - before;
    assert_eq!(rows, 0, "the lists read {rows} rows without an index");
    clear(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_shown_nowhere() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let id = job_in(&app, "dead").await;
    let user = "0193e5a4-7c1e-7000-8000-000000000001";
    app.database
        .execute(&format!(
            r#"UPDATE jobs SET args = '{{"user_id": "{user}", "password": "hunter2-p", "to": "ali@example.uz",
                "nested": [{{"card_number": "8600999988887777", "resetToken": "hunter2-t"}}]}}',
                progress_cursor = '{{"email": "hunter2-c"}}' WHERE id = {id}"#
        ))
        .await;
    let shown = staff.client.get(&path(&format!("{id}/"))).await.expect(200);
    assert_eq!(
        shown.at("/args"),
        &json!({ "user_id": user, "password": "***", "to": "***",
                 "nested": [{ "card_number": "***", "resetToken": "***" }] })
    );
    let list = staff.client.get(&path("")).await.expect(200);
    assert!(list.json.pointer("/results/0/args").is_none(), "lists have no arguments");
    let pressed = staff.client.post_empty(&path(&format!("{id}/retry/"))).await.expect(200);
    let (id, variables) = (id.to_string(), app.variables());
    let texts = Finished::run("wibe", &["jobs", "show", &id], &variables).expect(0).out;
    let listed = Finished::run("wibe", &["jobs", "list", "--json"], &variables).expect(0).out;
    let json = Finished::run("wibe", &["jobs", "show", &id, "--json"], &variables).expect(0).out;
    for said in [shown.text, list.text, pressed.text, texts, listed, json] {
        for secret in ["hunter2", "ali@example.uz", "8600999988887777"] {
            assert!(!said.contains(secret), "{secret} is shown: {said}");
        }
    }
    clear(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_says_what_it_has_been_through_and_what_it_waits_for() {
    let app = TestApp::start().await;
    let (staff, superuser) = (app.staff().await, app.superuser().await);
    let next = async |id: i64| {
        let job = staff.client.get(&path(&format!("{id}/"))).await.expect(200);
        job.text_at("/next/code").to_owned()
    };
    let ready = job_in(&app, "ready").await;
    assert_eq!(next(ready).await, "waits_for_worker");
    app.database
        .execute("INSERT INTO job_workers (worker, queue, slots) VALUES ('w', 'bulk', 4)")
        .await;
    for (state, code) in [
        ("ready", "runs_now"),
        ("scheduled", "runs_at"),
        ("retrying", "retries_at"),
        ("dispatched", "starts"),
        ("running", "ends"),
        ("done", "nothing"),
        ("dead", "waits_for_operator"),
        ("cancelled", "stays_cancelled"),
    ] {
        let id = job_in(&app, state).await;
        assert_eq!(next(id).await, code, "{state}");
    }
    superuser.client.post_empty(&path("queues/bulk/pause/")).await.expect(200);
    assert_eq!(next(ready).await, "waits_for_resume");
    app.database.execute(&format!("UPDATE jobs SET kind = 'of_tomorrow' WHERE id = {ready}")).await;
    assert_eq!(next(ready).await, "waits_for_version");
    let done = app.database.number("SELECT id FROM jobs WHERE state = 'done'").await;
    let done = staff.client.get(&path(&format!("{done}/"))).await.expect(200);
    assert_eq!(done.at("/attempts").as_array().map(Vec::len), Some(1), "told by the row");
    assert_eq!(done.text_at("/attempts/0/outcome"), "ok");
    assert_eq!(done.at("/attempts/0/duration_ms"), &json!(150));
    let running = app.database.number("SELECT id FROM jobs WHERE state = 'running'").await;
    let running = staff.client.get(&path(&format!("{running}/"))).await.expect(200);
    assert_eq!(running.text_at("/attempts/0/outcome"), "running");
    let thin = staff.client.get(&path(&format!("{ready}/?fields=id,next"))).await.expect(200);
    assert_eq!(thin.json.as_object().map(serde_json::Map::len), Some(2));
    clear(&app).await;
    app.finish().await;
}
