//! What a person finds in the logs: the specification's events in its format, one line each, and nobody's secrets.

use std::collections::HashMap;
use std::path::PathBuf;

use diesel_async::SimpleAsyncConnection as _;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Process, TestApp, eventually, free_port, mail, sell_body};

/// A real API that writes a log file, with what it says on standard output beside it.
struct Logged {
    process: Process,
    folder: PathBuf,
    client: Client,
}

impl Logged {
    async fn start(app: &TestApp, settings: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("wibe-test-logs-{}", app.database.name));
        let listen = format!("127.0.0.1:{}", free_port());
        let file = folder.join("wibe.log");
        let mut variables: HashMap<String, String> = app.variables();
        for (name, value) in [
            ("LOG_LEVEL", "info"),
            ("LOG_FILE", file.to_str().expect("UTF-8")),
            ("API_LISTEN", &listen),
            ("API_METRICS_LISTEN", "127.0.0.1:0"),
        ]
        .iter()
        .chain(settings)
        {
            variables.insert((*name).to_owned(), (*value).to_owned());
        }
        let process = Process::start_with_log("api", &variables, &folder.join("stdout"));
        eventually("the API answers", async || {
            reqwest::get(format!("http://{listen}/health/")).await.is_ok()
        })
        .await;
        let client = Client::at(&format!("http://{listen}"));
        Self { process, folder, client }
    }

    /// Ends it: its log file, which holds what it said on standard output.
    fn stop(mut self) -> String {
        assert!(self.process.terminate().success());
        let read = |name: &str| std::fs::read_to_string(self.folder.join(name)).expect("a log");
        let (file, said) = (read("wibe-api.log"), read("stdout"));
        assert_eq!(sayings(&file), sayings(&said), "standard output has the same lines");
        std::fs::remove_dir_all(&self.folder).ok();
        file
    }
}

/// The lines without their times, which each output takes for itself, in an order of their own.
fn sayings(log: &str) -> Vec<String> {
    let saying = |line: &str| match serde_json::from_str::<serde_json::Map<String, Value>>(line) {
        Ok(mut fields) => {
            fields.remove("timestamp").expect("a time");
            Value::from(fields).to_string()
        }
        Err(_) => line.get(23..).expect("a time").to_owned(),
    };
    let mut sayings: Vec<_> = log.lines().map(saying).collect();
    sayings.sort();
    sayings
}

/// Fails unless a line has all of these.
#[track_caller]
fn assert_line(log: &str, parts: &[&str]) {
    let found = log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(found, "{parts:?} is a line of:\n{log}");
}

/// Fails unless it reads `2026-11-25 10:00:00,123 [INFO] name: message`.
fn assert_format(line: &str) {
    let time = line.get(..23).unwrap_or_else(|| panic!("{line}"));
    let like =
        |is: char, wanted: char| if wanted == '0' { is.is_ascii_digit() } else { is == wanted };
    assert!(
        time.chars().zip("0000-00-00 00:00:00,000".chars()).all(|(is, wanted)| like(is, wanted)),
        "{line}"
    );
    let (level, rest) =
        line[23..].strip_prefix(" [").and_then(|rest| rest.split_once("] ")).expect(line);
    assert!(["DEBUG", "INFO", "WARNING", "ERROR"].contains(&level), "{line}");
    let (name, _) = rest.split_once(": ").expect(line);
    assert!(!name.is_empty() && !name.contains(' '), "{line}");
}

/// Chooses a new password with a mailed link: its token.
async fn choose_again(app: &TestApp, client: &Client, password: &str) -> String {
    let email = "log-ali@example.uz";
    client.post("auth/password/reset/", json!({ "email": email })).await.expect(200);
    app.settle_mail().await;
    let (_, link) = mail::reset_link(&app.mail_dir, email).expect("a link");
    let body = json!({ "token": link, "password": password, "password_confirm": password });
    client.post("auth/password/reset/confirm/", body).await.expect(200);
    link
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_of_the_specification_is_a_line_in_its_format() {
    let app = TestApp::start().await;
    let (staff, seller) = (app.staff().await, app.person("seller").await);
    let api = Logged::start(&app, &[]).await;
    let (client, staff) = (&api.client, api.client.as_somebody(&staff.client));
    let seller = api.client.as_somebody(&seller.client);
    let body = json!({ "email": "log-ali@example.uz", "password": "sufficient-1-password" });
    client.post("auth/register/", body.clone()).await.expect(201);
    let wrong = json!({ "email": "log-ali@example.uz", "password": "another-2-password" });
    client.post("auth/login/", wrong).await.expect(401);
    let session = client.post("auth/login/", body).await.expect(200);
    let tokens =
        ["/tokens/access", "/tokens/refresh"].map(|token| session.text_at(token).to_owned());
    let signed_in = client.with_token(&tokens[0]);
    signed_in.post("auth/logout/", json!({ "refresh": tokens[1] })).await;
    let chosen = "third-3-password";
    let link = choose_again(&app, client, chosen).await;
    let hostile = json!({ "email": "x\n2026-11-25 10:00:00,123 [INFO] accounts: signed in", "password": "1", "e\nvil=1": 1 });
    client.post("auth/register/", hostile).await.expect(400);
    let wrong = json!({ "email": "no address", "password": "1" });
    client.post("auth/register/", wrong).await.expect(400);
    let games = client.get("games/").await.expect(200);
    let listing =
        seller.post("listings/", sell_body(games.text_at("/results/0/id"))).await.expect(201);
    let listing = listing.text_at("/id");
    staff.post_empty(&format!("admin-panel/listings/{listing}/approve/")).await.expect(200);
    let deposit = json!({ "amount": 100_000, "payment_method": "payme" });
    seller.post("payments/deposit/", deposit).await.expect(201);
    let removed = seller.request(Method::DELETE, &format!("listings/{listing}/"));
    seller.send(removed).await.expect(204);
    let log = api.stop();

    log.lines().for_each(assert_format);
    for parts in [
        &["[INFO] accounts: registered ", "user=", "trace_id="] as &[&str],
        &["[WARNING] accounts: sign-in refused: wrong password "],
        &["[INFO] accounts: signed in ", "user="],
        &["[INFO] accounts: signed out ", "user="],
        &["[INFO] accounts: password reset asked for ", "user="],
        &["[INFO] accounts: auth.password_reset ", "user="],
        &["[INFO] http: refused ", "code=\"VALIDATION_ERROR\"", "fields=\"e\\nvil=1\""],
        &[
            "[INFO] http: refused ",
            "code=\"VALIDATION_ERROR\"",
            "fields=\"email,password,password\"",
        ],
        &["[INFO] http: refused ", "code=\"INVALID_CREDENTIALS\""],
        &["[INFO] listings: created ", &format!("listing={listing}")],
        &[
            "[INFO] listings: listing.status ",
            &format!("listing={listing}"),
            "actor=staff:",
            "from=pending to=active",
        ],
        &["[INFO] listings: listing.status ", "actor=user:", "from=active to=archived"],
        &["[INFO] audit: listing.approve ", "actor=staff:", &format!("object_id=\"{listing}\"")],
        &["[INFO] payments: deposit.begin ", "amount=100000.00"],
        &["[INFO] http: POST /api/v1/auth/login/ 401 in ", "status=401"],
    ] {
        assert_line(&log, parts);
    }
    let [access, refresh] = tokens;
    let secrets = ["sufficient-1-password", "another-2-password", "s3cret-Conqueror", "log-ali@"];
    for secret in secrets.into_iter().chain([chosen, &link, &access, &refresh]) {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_anybody_can_bring_about_wakes_nobody() {
    let app = TestApp::start().await;
    let person = app.person("impatient").await;
    let api = Logged::start(&app, &[("HTTP_REQUEST_TIMEOUT", "30s")]).await;
    let client = api.client.as_somebody(&person.client);
    let mut owner = app.database.owner().await;
    // Sessions cannot be read: for two seconds each statement waits, then it is refused.
    owner.batch_execute("BEGIN; LOCK TABLE sessions").await.expect("locks");
    client.get("auth/me/").await.expect_error(503, "BUSY");
    owner.batch_execute("ROLLBACK").await.expect("unlocks");
    let claimed = client.request(Method::GET, "auth/me/");
    let claimed = claimed.header("X-Request-ID", format!("mine\u{20}trace_id={}", "x".repeat(80)));
    client.send(claimed).await.expect(200);
    let log = api.stop();
    assert_line(&log, &["[WARNING] http: BUSY", "code=\"BUSY\"", "trace_id="]);
    assert!(!log.contains("[ERROR]"), "{log}");
    // A stranger's id is a field beside ours, which it cannot be taken for.
    let shown = format!("client_request_id=\"minetrace_id{}\"", "x".repeat(52));
    assert_line(&log, &["GET /api/v1/auth/me/ 200", "trace_id=\"0", &shown]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_are_shown_in_development_only_and_never_what_is_bound_to_them() {
    let app = TestApp::start().await;
    let body = json!({ "email": "sql-ali@example.uz", "password": "sufficient-1-password" });
    app.client.post("auth/register/", body.clone()).await.expect(201);
    let mut logs = Vec::new();
    for env in ["development", "test"] {
        let api = Logged::start(&app, &[("APP_ENV", env), ("LOG_LEVEL", "info,db=debug")]).await;
        let session = api.client.post("auth/login/", body.clone()).await.expect(200);
        let refresh = session.text_at("/tokens/refresh").to_owned();
        let log = api.stop();
        for secret in ["sufficient-1-password", "sql-ali@", "$argon2", refresh.as_str()] {
            assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
        }
        log.lines().for_each(assert_format);
        logs.push(log);
    }
    assert_line(&logs[0], &["[DEBUG] db: SELECT ", "FROM \"users\"", "$1", "ms=", "trace_id="]);
    assert_line(&logs[0], &["[DEBUG] db: INSERT INTO \"sessions\"", "$2"]);
    assert!(!logs[1].contains("SELECT"), "{}", logs[1]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_of_json_says_what_a_line_of_text_does() {
    let app = TestApp::start().await;
    let api = Logged::start(&app, &[("LOG_FORMAT", "json"), ("LOG_LEVEL", "info,db=debug")]).await;
    api.client.get("games/").await.expect(200);
    let log = api.stop();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let access =
        lines.iter().find(|line| line["target"] == "http" && line["route"] == "/api/v1/games");
    let access = access.unwrap_or_else(|| panic!("{log}"));
    assert_eq!((&access["level"], &access["status"]), (&json!("INFO"), &json!(200)));
    assert!(access["span"]["trace_id"].is_string() && access["timestamp"].is_string(), "{access}");
    assert!(!log.contains("SELECT"), "{log}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_development_an_answer_says_what_it_cost_and_elsewhere_not() {
    let quiet = TestApp::start().await;
    let reply = quiet.client.get("games/").await.expect(200);
    assert!(reply.headers.get("server-timing").is_none());
    quiet.finish().await;

    let app = TestApp::start_with(&[("APP_ENV", "development")]).await;
    // Connected, so that what follows counts its own statements only.
    app.client.get("games/").await.expect(200);
    let (sent, reply) = app.statements(app.client.get("games/")).await;
    let said = reply.headers["server-timing"].to_str().expect("a text").to_owned();
    let queries = if sent == 1 { "1 query".to_owned() } else { format!("{sent} queries") };
    assert!(sent > 0 && said.starts_with(&format!("db;desc=\"{queries}\";dur=")), "{sent}: {said}");
    let figure = |name: &str| -> f64 {
        let part = said.split(", ").find(|part| part.starts_with(name)).expect(&said);
        part.split("dur=").nth(1).expect("a figure").parse().expect("a number")
    };
    assert!(figure("db") > 0.0 && figure("db") <= figure("total"), "{said}");
    let refused = app.client.get("games/nothing-like-it/").await.expect(404);
    assert!(refused.headers.contains_key("server-timing"), "failures too");
    app.finish().await;
}
