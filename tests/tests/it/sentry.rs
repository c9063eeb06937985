//! What Sentry is told: everything that went wrong and how long things take, and nothing that is anybody's business.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};
use tests::kinds::Fragile;
use tests::{Client, Finished, Process, SentryServer, TestApp, eventually, free_port};

/// A real process that reports to a receiver.
struct Reporting {
    process: Process,
    listen: String,
}

impl Reporting {
    fn start(binary: &str, app: &TestApp, dsn: &str, traces: &str) -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        let process = Process::start(binary, &variables(app, dsn, traces, &listen));
        Self { process, listen }
    }

    async fn ready(&self) {
        eventually("the API answers", async || {
            reqwest::get(format!("http://{}/health/", self.listen)).await.is_ok()
        })
        .await;
    }
}

fn variables(app: &TestApp, dsn: &str, traces: &str, listen: &str) -> HashMap<String, String> {
    let mut variables = app.variables();
    for (name, value) in [
        ("SENTRY_DSN", dsn),
        ("SENTRY_TRACES_SAMPLE_RATE", traces),
        ("SENTRY_RELEASE", "wibestore@4f2a9c1"),
        ("HOSTNAME", "front-7"),
        ("TRUSTED_PROXY_COUNT", "1"),
        ("API_LISTEN", listen),
        ("API_METRICS_LISTEN", "127.0.0.1:0"),
        ("WORKER_METRICS_LISTEN", "127.0.0.1:0"),
        ("SCHEDULER_METRICS_LISTEN", "127.0.0.1:0"),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    variables
}

fn is_of(process: &str, request: &str) -> impl Fn(&Value) -> bool {
    move |event| event["tags"]["request_id"] == request && event["tags"]["process"] == process
}

fn named(transactions: &[Value], name: &str) -> Vec<Value> {
    transactions.iter().filter(|found| found["transaction"] == name).cloned().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_request_is_reported_without_anything_that_was_sent_with_it() {
    let app = TestApp::start().await;
    let register = json!({ "email": "secret-ali@example.uz", "password": "sufficient-1-password" });
    let session = app.client.post("auth/register/", register.clone()).await.expect(201);
    let token = session.text_at("/tokens/access").to_owned();
    let id = app.database.texts("SELECT id FROM users WHERE email = 'secret-ali@example.uz'").await;
    let sentry = SentryServer::start().await;
    let mut api = Reporting::start("api", &app, &sentry.dsn(), "1.0");
    api.ready().await;
    let client = Client::at(&format!("http://{}", api.listen)).with_token(&token);
    client.get("games/").await.expect(200);

    // Tables that are not there any more: our fault, whatever was asked.
    app.database
        .execute("ALTER TABLE transactions RENAME TO gone; ALTER TABLE sessions RENAME TO gone_too")
        .await;
    let query = "?token=query-secret-1&phone=%2B998901234567";
    let hostile = |request: reqwest::RequestBuilder, id: &str| {
        request
            .header("X-Request-ID", id)
            .header("Cookie", "refresh=cookie-secret-1")
            .header("X-Forwarded-For", "203.0.113.77")
    };
    let log_in = client.request(Method::POST, &format!("auth/login/{query}")).json(&register);
    client.send(hostile(log_in, "log-in-1")).await.expect_error(500, "INTERNAL_ERROR");
    app.database.execute("ALTER TABLE gone_too RENAME TO sessions").await;
    let body = json!({ "amount": 777_431, "payment_method": "payme" });
    let deposit = client.request(Method::POST, &format!("payments/deposit/{query}")).json(&body);
    client.send(hostile(deposit, "deposit-1")).await.expect_error(500, "INTERNAL_ERROR");
    // Not yet sent when it is told to go: its end waits for that.
    assert!(api.process.terminate().success());
    app.database.execute("ALTER TABLE gone RENAME TO transactions").await;

    let event = sentry.event(is_of("api", "deposit-1"));
    let expected = json!({
        "level": "error", "environment": "test", "release": "wibestore@4f2a9c1", "server_name": "front-7",
        "logger": "http", "transaction": "POST /api/v1/payments/deposit", "user": { "id": id[0] },
    });
    for (field, value) in expected.as_object().expect("fields") {
        assert_eq!(&event[field], value, "{field} of {event:#}");
    }
    let message = event["message"].as_str().or(event["logentry"]["message"].as_str());
    assert!(
        message.is_some_and(|text| text.contains("relation \"transactions\" does not exist")),
        "{event:#}"
    );
    let event = sentry.event(is_of("api", "log-in-1"));
    assert_eq!(event["user"], Value::Null, "nobody had signed in");

    let traces = sentry.transactions();
    let [trace] = named(&traces, "POST /api/v1/auth/login").try_into().expect("one trace");
    let context = &trace["contexts"]["trace"];
    assert_eq!(
        (&context["op"], &context["status"]),
        (&json!("http.server"), &json!("internal_error"))
    );
    assert_eq!(context["trace_id"], event["contexts"]["trace"]["trace_id"], "they belong together");
    assert_eq!(
        (&trace["environment"], &trace["release"]),
        (&json!("test"), &json!("wibestore@4f2a9c1"))
    );
    assert_eq!(named(&traces, "GET /api/v1/games")[0]["contexts"]["trace"]["status"], "ok");
    assert!(named(&traces, "GET /health").is_empty(), "nobody wants these");

    assert_nothing_leaked(&sentry, &token);
    app.finish().await;
}

/// Nothing that was sent to us with a request was sent on.
#[track_caller]
fn assert_nothing_leaked(sentry: &SentryServer, token: &str) {
    let raw = sentry.raw();
    for secret in [
        "sufficient-1-password",
        "secret-ali",
        "example.uz",
        token,
        "cookie-secret-1",
        "query-secret-1",
        "998901234567",
        "203.0.113.77",
        "777431",
        "Bearer",
        "Cookie",
        "cookie",
    ] {
        assert!(!raw.contains(secret), "{secret} was sent: {raw}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_panics_is_reported_with_its_stack_and_its_runs_with_their_time() {
    let app = TestApp::start().await;
    let sentry = SentryServer::start().await;
    let mut worker = Reporting::start("test-worker", &app, &sentry.dsn(), "1");
    app.enqueue(Fragile { key: "told-to-sentry".to_owned(), works_at: 2 }).await;
    eventually("the job is done", async || {
        app.database
            .number("SELECT count(*) FROM jobs WHERE kind = 'test_fragile' AND state = 'done'")
            .await
            == 1
    })
    .await;
    assert!(worker.process.terminate().success());

    let panicked = |event: &Value| event["exception"]["values"][0]["type"] == "panic";
    let event = sentry.event(panicked);
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["value"], "attempt 1 of a fragile job");
    let frames = exception["stacktrace"]["frames"].as_array().expect("a stack");
    let is_ours = |frame: &Value| {
        frame["function"].as_str().is_some_and(|name| name.contains("tests::kinds"))
    };
    assert!(frames.iter().any(is_ours), "{exception:#}");
    let id = app.database.number("SELECT id FROM jobs WHERE kind = 'test_fragile'").await;
    assert_eq!(
        (&event["tags"]["process"], &event["tags"]["request_id"], &event["transaction"]),
        (&json!("worker"), &json!(format!("job-{id}")), &json!("test_fragile"))
    );
    let runs = named(&sentry.transactions(), "test_fragile");
    let mut ends: Vec<&str> =
        runs.iter().filter_map(|run| run["contexts"]["trace"]["status"].as_str()).collect();
    ends.sort_unstable();
    assert_eq!(ends, ["internal_error", "ok"]);
    assert!(runs.iter().all(|run| run["contexts"]["trace"]["op"] == "queue.process"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_sample_rate_errors_are_reported_and_no_times() {
    let app = TestApp::start().await;
    let sentry = SentryServer::start().await;
    let mut worker = Reporting::start("test-worker", &app, &sentry.dsn(), "0");
    // Nothing will ever make it work: in the end it is dead, which an operator must hear of.
    app.database
        .execute(
            "INSERT INTO jobs (kind, queue, args, max_attempts) VALUES
                 ('test_fragile', 'default', '{\"key\": \"never\", \"works_at\": 9}', 1)",
        )
        .await;
    eventually("the job is dead", async || {
        app.database.number("SELECT count(*) FROM jobs WHERE state = 'dead'").await == 1
    })
    .await;
    assert!(worker.process.terminate().success());
    let dead = sentry.event(|event| event["logger"] == "jobs");
    assert!(dead.to_string().contains("job is dead"), "{dead:#}");
    assert_eq!(sentry.events().len(), 2, "the panic, and its end");
    assert_eq!(sentry.transactions(), Vec::<Value>::new());
    app.expect_dead("test_fragile").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_cannot_start_says_so_to_sentry_too() {
    let app = TestApp::start().await;
    let sentry = SentryServer::start().await;
    let variables = variables(&app, &sentry.dsn(), "0", "127.0.0.1:0");
    app.database
        .execute(
            "CREATE TABLE kept AS SELECT * FROM __diesel_schema_migrations ORDER BY version DESC LIMIT 1;
             DELETE FROM __diesel_schema_migrations WHERE version = (SELECT version FROM kept)",
        )
        .await;
    for process in ["scheduler", "worker", "api"] {
        let said =
            tokio::task::block_in_place(|| Finished::run(process, &[], &variables)).expect(1);
        assert!(said.err.contains("run `wibe migrate`"), "{}", said.err);
        let event = sentry.event(|event| event["tags"]["process"] == process);
        assert_eq!(event["level"], "error");
        assert!(event.to_string().contains("run `wibe migrate`"), "{event:#}");
    }
    app.database
        .execute("INSERT INTO __diesel_schema_migrations SELECT * FROM kept; DROP TABLE kept")
        .await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_dsn_is_refused_and_a_dead_receiver_disturbs_nobody() {
    let app = TestApp::start().await;
    let wrong = variables(&app, "https://your-sentry-dsn", "0", "127.0.0.1:0");
    for process in ["api", "worker", "scheduler"] {
        let said = Finished::run(process, &[], &wrong).expect(1);
        let line = "SENTRY_DSN must be a DSN such as https://key@sentry.example.uz/1, or unset";
        assert_eq!(said.err, format!("{process}: {line}\n"));
    }
    let nobody = format!("http://key@127.0.0.1:{}/1", free_port());
    let mut api = Reporting::start("api", &app, &nobody, "1");
    api.ready().await;
    let client = Client::at(&format!("http://{}", api.listen));
    client.get("games/").await.expect(200);
    app.database.execute("ALTER TABLE games RENAME TO gone").await;
    client.get("games/").await.expect_error(500, "INTERNAL_ERROR");
    app.database.execute("ALTER TABLE gone RENAME TO games").await;
    client.get("games/").await.expect(200);
    assert!(api.process.terminate().success());
    app.finish().await;
}
