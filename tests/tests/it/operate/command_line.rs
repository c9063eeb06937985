//! `wibe jobs`: the same commands with only the database.

use std::collections::HashMap;

use serde_json::{Value, json};
use tests::kinds::Count;
use tests::{Finished, TestApp};

use super::{STATES, audited, clear, job_in, path, state};

/// The variables of an operator's shell, and nothing that runs.
fn shell(app: &TestApp) -> HashMap<String, String> {
    let mut variables = app.variables();
    variables.remove("REDIS_URL");
    variables.insert("WIBE_OPERATOR".to_owned(), "nigora".to_owned());
    variables
}

fn wibe(shell: &HashMap<String, String>, args: &[&str]) -> Finished {
    Finished::run("wibe", &[&["jobs"], args].concat(), shell)
}

/// Ages grow between two looks.
fn without_ages(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.retain(|name, _| !matches!(name.as_str(), "age_seconds" | "oldest_seconds"));
            members.values_mut().for_each(|member| *member = without_ages(member.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_ages(item.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_says_what_the_api_says() {
    let app = TestApp::start().await;
    let (staff, shell) = (app.staff().await, shell(&app));
    let mut made = Vec::new();
    for state in STATES {
        made.push(job_in(&app, state).await);
    }
    app.database
        .execute(
            "UPDATE jobs SET progress_done = 40, progress_total = 100, progress_cursor = '17' WHERE state = 'running';
             INSERT INTO job_workers (worker, queue, slots, running) VALUES ('host-1-aa', 'money', 8, 3);
             INSERT INTO job_queues (queue, paused_at, paused_by) VALUES ('mail', now(), 'operator:ali');
             INSERT INTO job_cancellations (job_id, requested_by) SELECT id, 'operator:ali' FROM jobs WHERE state = 'running'",
        )
        .await;
    for id in &made {
        let shown = wibe(&shell, &["show", &id.to_string(), "--json"]).expect(0).json();
        let api = staff.client.get(&path(&format!("{id}/"))).await.expect(200).json;
        assert_eq!(without_ages(shown), without_ages(api));
    }
    for (args, rest) in [
        (&["list"][..], ""),
        (&["list", "--state", "dead", "--limit", "5"], "?state=dead&limit=5"),
        (&["list", "--queue", "money"], "?queue=money"),
        (&["queues"], "queues/"),
        (&["workers"], "workers/"),
        (&["kinds"], "kinds/"),
    ] {
        let said = wibe(&shell, &[args, &["--json"]].concat()).expect(0).json();
        let mut api = staff.client.get(&path(rest)).await.expect(200).json;
        let members = api.as_object_mut().expect("a page");
        members.retain(|name, _| matches!(name.as_str(), "count" | "results"));
        assert_eq!(without_ages(said), without_ages(api), "{args:?}");
    }
    clear(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_read_at_a_glance() {
    let app = TestApp::start().await;
    let shell = shell(&app);
    let (dead, running) = (job_in(&app, "dead").await, job_in(&app, "running").await);
    app.database
        .execute("UPDATE jobs SET progress_done = 40, progress_total = 100 WHERE state = 'running'")
        .await;
    app.database
        .execute(
            "UPDATE jobs SET last_error = E'boom\\nwith \\x1b[31mcolours' WHERE state = 'dead'",
        )
        .await;
    let list = wibe(&shell, &["list"]).expect(0).out;
    let lines: Vec<_> = list.lines().collect();
    assert!(lines[0].contains("ID  KIND"), "{list}");
    assert!(
        lines[1].contains(&format!("{running}  ledger_check  bulk   running    1/6")),
        "{list}"
    );
    assert!(lines[1].ends_with("40 of 100 rows (40 %) on worker-1"), "{list}");
    assert!(lines[2].contains(&format!("{dead}  ledger_check")), "{list}");
    assert!(lines[2].ends_with("boom with [31mcolours"), "no terminal obeys an error: {list}");
    assert_eq!(lines[3], "1 to 2 of 2");
    let show = wibe(&shell, &["show", &dead.to_string()]).expect(0).out;
    assert!(show.contains("Nothing, until an operator retries or discards it."), "{show}");
    let none = wibe(&shell, &["list", "--kind", "no_such_kind"]).expect(0).out;
    assert_eq!(none, "no jobs on this page; 0 match\n");
    let queues = wibe(&shell, &["queues"]).expect(0).out;
    assert_eq!(queues.lines().filter(|line| line.ends_with("is served by nobody")).count(), 4);
    let help = wibe(&shell, &["--help"]).expect(0).out;
    assert!(help.contains("At three in the morning"), "{help}");
    clear(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_works_from_the_command_line_and_is_audited() {
    let app = TestApp::start().await;
    let shell = shell(&app);
    let (dead, gone) = (job_in(&app, "dead").await, job_in(&app, "dead").await);
    let waiting = job_in(&app, "ready").await;
    let id = |id: i64| id.to_string();
    let retried = wibe(&shell, &["retry", &id(dead), "--reason", "fixed"]).expect(0).out;
    assert_eq!(retried, format!("job {dead} is retrying. No live worker serves its queue.\n"));
    wibe(&shell, &["discard", &id(gone)]).expect(0);
    wibe(&shell, &["snooze", &id(waiting), "--for", "2h"]).expect(0);
    let until = "2099-01-01T00:00:00Z";
    wibe(&shell, &["snooze", &id(waiting), "--until", until]).expect(1);
    wibe(&shell, &["cancel", &id(waiting), &id(dead)]).expect(0);
    for cancelled in [dead, gone, waiting] {
        assert_eq!(state(&app, cancelled).await, "cancelled");
    }
    assert_eq!(
        wibe(&shell, &["pause", "mail", "--reason", "quiet"]).expect(0).out,
        "mail is paused; what runs goes on\n"
    );
    assert_eq!(wibe(&shell, &["pause", "mail"]).expect(0).out, "mail is paused already\n");
    let queues = wibe(&shell, &["queues"]).expect(0).out;
    assert!(queues.contains("by operator:nigora: quiet"), "{queues}");
    assert_eq!(wibe(&shell, &["resume", "mail"]).expect(0).out, "mail goes on\n");
    app.database
        .execute("INSERT INTO job_workers (worker, queue, slots) VALUES ('host-1-aa', 'bulk', 4)")
        .await;
    assert_eq!(
        wibe(&shell, &["drain", "host-1-aa"]).expect(0).out,
        "host-1-aa leaves within seconds\n"
    );
    let lines = app
        .database
        .texts("SELECT action || ' ' || object_id FROM audit_log WHERE actor = 'operator:nigora' ORDER BY id")
        .await;
    assert_eq!(
        lines,
        [
            format!("jobs.retry {dead}"),
            format!("jobs.discard {gone}"),
            format!("jobs.snooze {waiting}"),
            format!("jobs.cancel {waiting}"),
            format!("jobs.cancel {dead}"),
            "jobs.pause mail".to_owned(),
            "jobs.resume mail".to_owned(),
            "jobs.drain host-1-aa".to_owned(),
        ]
    );
    let mut nameless = shell.clone();
    nameless.remove("WIBE_OPERATOR");
    wibe(&nameless, &["retry", &id(gone)]).expect(0);
    let unnamed = "SELECT count(*) FROM audit_log WHERE actor LIKE 'operator:_%' AND actor <> 'operator:nigora'";
    assert_eq!(app.database.number(unnamed).await, 1, "the Unix user");
    clear(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_exits_with_one_says_why_and_holds_up_nothing_else() {
    let app = TestApp::start().await;
    let shell = shell(&app);
    app.enqueue(Count { key: "runs-once".into() }).await;
    let (done, dead) = (job_in(&app, "done").await, job_in(&app, "dead").await);
    let (done, dead_id) = (done.to_string(), dead.to_string());
    let refused = wibe(&shell, &["retry", &done, "999999", &dead_id]).expect(1);
    assert!(refused.err.contains(&format!("job {done}: ")), "{}", refused.err);
    assert!(refused.err.contains("there is nothing to retry. [status: done]"), "{}", refused.err);
    assert!(refused.err.contains("job 999999: Not found."), "{}", refused.err);
    assert_eq!(state(&app, dead).await, "pending", "the one that could be retried was");
    let refused = wibe(&shell, &["discard", &done, "--json"]).expect(1).json();
    assert_eq!(refused["error"]["code"], json!("INVALID_STATE"));
    assert_eq!(refused["error"]["details"]["status"], json!("done"));
    let lines = audited(&app).await;
    for (args, code) in [
        (&["show", "999999"][..], 1),
        (&["drain", "nobody"], 1),
        (&["cancel", &done], 1),
        (&["snooze", &done, "--for", "0s"], 1),
        (&["snooze", &done], 2),
        (&["snooze", &done, "--for", "2h", "--until", "2027-01-01T00:00:00Z"], 2),
        (&["pause", "gold"], 2),
        (&["list", "--state", "sleeping"], 2),
        (&["list", "--older-than", "yesterday"], 2),
        (&["retry"], 2),
        (&["retry", "abc"], 2),
        (&["retry-dead", "x", "--limit", "0"], 2),
    ] {
        wibe(&shell, args).expect(code);
    }
    assert_eq!(audited(&app).await, lines);
    let mut away = shell.clone();
    away.insert("DATABASE_URL".to_owned(), "postgresql://nobody@127.0.0.1:1/none".to_owned());
    let failed = wibe(&away, &["queues"]).expect(1);
    assert!(failed.err.starts_with("wibe: SERVICE_UNAVAILABLE"), "{}", failed.err);
    app.database.execute("DELETE FROM jobs WHERE kind = 'ledger_check'").await;
    app.run_due_jobs().await;
    app.finish().await;
}
