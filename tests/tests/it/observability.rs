//! What operators watch against what the processes really export: dashboards, rules and alerts by a real Prometheus, logs
//! by what real processes write.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use shared::jobs::Queue;
use tests::grafana::{DASHBOARDS, dashboard, file, list, panels, text};
use tests::promql::selectors;
use tests::{Client, Finished, Process, Prometheus, Story, TestApp, eventually, free_port};

/// Series that only an event brings, and why no event brings them here.
const NOT_PROVOKED: &[(&str, &str)] = &[(
    "http_requests_total{status=~\"5..\"}",
    "a status appears with its first answer, and nothing fails here",
)];

/// An expression as Grafana sends it.
fn filled_in(expression: &str) -> String {
    [("$__rate_interval", "1m"), ("$queue", ".*"), ("$kind", ".*")]
        .iter()
        .fold(expression.to_owned(), |text, (variable, value)| text.replace(variable, value))
}

/// Where an expression stands, and the expression.
fn panel_expressions() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        for panel in panels(&dashboard) {
            let place = format!("{name} / {}", text(panel, "title"));
            let targets = list(panel, "targets").iter();
            found.extend(targets.map(|target| (place.clone(), filled_in(text(target, "expr")))));
        }
    }
    assert!(found.len() > 80, "the dashboards are read");
    found
}

fn annotation_expressions() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in DASHBOARDS {
        for annotation in list(&dashboard(name)["annotations"], "list") {
            let place = format!("annotation {} of {name}", text(annotation, "name"));
            found.push((place, filled_in(text(annotation, "expr"))));
        }
    }
    found
}

/// The variables of the dashboards: which label of which series they offer.
fn variables() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for name in DASHBOARDS {
        for variable in list(&dashboard(name)["templating"], "list") {
            let query = text(variable, "definition");
            if let Some(inner) = query.strip_prefix("label_values(") {
                let (series, label) =
                    inner.trim_end_matches(')').rsplit_once(", ").expect("a series and a label");
                found.insert((filled_in(series), label.to_owned()));
            }
        }
    }
    found
}

/// The three processes of the platform, which Prometheus scrapes.
struct Platform {
    processes: Vec<Process>,
    logs: Vec<PathBuf>,
    metrics: Vec<(&'static str, String)>,
    api: String,
}

impl Platform {
    async fn start(app: &TestApp) -> Self {
        let api = free_address();
        let mut platform =
            Self { processes: Vec::new(), logs: Vec::new(), metrics: Vec::new(), api: api.clone() };
        for (binary, listen) in [
            ("api", "API_METRICS_LISTEN"),
            ("worker", "WORKER_METRICS_LISTEN"),
            ("scheduler", "SCHEDULER_METRICS_LISTEN"),
        ] {
            let address = free_address();
            let mut variables = app.variables();
            for (name, value) in [
                (listen, address.as_str()),
                ("API_LISTEN", &api),
                // Nobody listens there: mail fails and is tried again.
                ("EMAIL_HOST", "127.0.0.1"),
                ("EMAIL_PORT", "1"),
            ] {
                variables.insert(name.to_owned(), value.to_owned());
            }
            variables.remove("MAIL_DIR");
            let log = app.mail_dir.with_extension(format!("{binary}.log"));
            platform.processes.push(Process::start_with_log(binary, &variables, &log));
            platform.logs.push(log);
            platform.metrics.push((binary, address));
        }
        platform
    }

    /// Everything that one of the processes exports now.
    async fn exposition(&self, process: &str) -> String {
        let address = self.metrics.iter().find(|(name, _)| *name == process).map(|(_, a)| a);
        let url = format!("http://{}/metrics", address.expect("a process"));
        match reqwest::get(url).await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    async fn ready(&mut self) {
        for (process, sign) in
            [("api", "db_pool"), ("worker", "job_slots"), ("scheduler", "cron_interval_seconds{")]
        {
            eventually(&format!("{process} is at work"), async || {
                self.all_live();
                self.exposition(process).await.contains(sign)
            })
            .await;
        }
        eventually("the API answers", async || {
            reqwest::get(format!("http://{}/health/", self.api)).await.is_ok()
        })
        .await;
    }

    /// Fails with its log when one has ended.
    fn all_live(&mut self) {
        for (process, log) in self.processes.iter_mut().zip(&self.logs) {
            let said = || std::fs::read_to_string(log).unwrap_or_default();
            assert!(process.ended().is_none(), "{} ended: {}", log.display(), said());
        }
    }

    fn stop(mut self) {
        for process in &mut self.processes {
            assert!(process.terminate().success(), "ends well on SIGTERM");
        }
        self.logs.iter().for_each(|log| drop(std::fs::remove_file(log)));
    }
}

fn free_address() -> String {
    format!("127.0.0.1:{}", free_port())
}

/// A day of the platform in seconds: a sale, a mail that fails, a dead job, long work, and a job nobody knows.
async fn work(app: &TestApp) {
    let register = json!({ "email": "mail@example.uz", "password": "sufficient-1-password" });
    app.client.post("auth/register/", register).await.expect(201);
    app.database
        .execute(
            "INSERT INTO jobs (kind, queue, args, max_attempts) VALUES
                 ('expire_unpaid_escrow', 'money', '{}', 3), ('a_kind_of_tomorrow', 'bulk', '{}', 3);
             INSERT INTO jobs (kind, queue, args, max_attempts, state, attempt, worker, started_at, lease_until,
                               progress_done, progress_total)
             VALUES ('a_long_work', 'bulk', '{}', 3, 'running', 1, 'another', now(), now() + interval '1 hour', 30, 120)",
        )
        .await;
    Story::new(app).delivered().await;
    app.advance("24 hours 1 second").await;
    eventually("the seller is paid", async || {
        app.database.number("SELECT count(*) FROM escrows WHERE status = 'confirmed'").await == 1
    })
    .await;
}

/// What is wrong with these expressions, by where they stand: series that nobody exports, panels that show nothing.
async fn problems(prometheus: &Prometheus, asked: &[(String, String)]) -> BTreeSet<String> {
    let mut wrong = BTreeSet::new();
    for (place, expression) in asked {
        for selector in selectors(expression) {
            let known = NOT_PROVOKED.iter().any(|(known, _)| *known == selector);
            if !known && !prometheus.has(&selector).await {
                wrong.insert(format!("{place}: nobody exports {selector}"));
            }
        }
        match prometheus.results(expression).await {
            Err(error) => wrong.insert(format!("{place}: {error}: {expression}")),
            Ok(0) if DASHBOARDS.iter().any(|name| place.starts_with(&format!("{name} /"))) => {
                wrong.insert(format!("{place} shows nothing: {expression}"))
            }
            Ok(_) => false,
        };
    }
    wrong
}

/// Every rule as Prometheus loaded it: where, what, and whether it could be evaluated.
async fn rules(prometheus: &Prometheus) -> Vec<(String, String)> {
    let groups = prometheus.ask("rules", &[]).await.expect("answers");
    let mut found = Vec::new();
    for rule in list(&groups, "groups").iter().flat_map(|group| list(group, "rules")) {
        let name = text(rule, "name").to_owned();
        assert_eq!((text(rule, "health"), text(rule, "lastError")), ("ok", ""), "{name}");
        found.push((format!("rule {name}"), text(rule, "query").to_owned()));
    }
    assert!(found.len() > 40, "the rules are loaded");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_panel_rule_and_alert_speaks_of_what_the_processes_export() {
    let mut app = TestApp::start().await;
    let mut platform = Platform::start(&app).await;
    let targets: Vec<(&str, &str)> =
        platform.metrics.iter().map(|(job, address)| (*job, address.as_str())).collect();
    let prometheus = Prometheus::start(&targets).await;
    platform.ready().await;
    eventually("all of them were scraped", async || {
        prometheus.results("sum(max_over_time(up[5m])) == 3").await == Ok(1)
    })
    .await;
    app.client = Client::at(&format!("http://{}", platform.api));
    work(&app).await;

    eventually("the rules are evaluated", async || {
        prometheus.has("ALERTS{alertname=\"MoneyJobDead\", alertstate=\"firing\"}").await
    })
    .await;
    let mut asked = panel_expressions();
    asked.extend(annotation_expressions());
    asked.extend(rules(&prometheus).await);
    // A rate needs two scrapes, and a request between them.
    let mut wrong: BTreeSet<String> = asked.iter().map(|(place, _)| place.clone()).collect();
    for _ in 0..40 {
        app.client.get("games/").await.expect(200);
        let open = asked
            .iter()
            .filter(|(place, _)| wrong.iter().any(|problem| problem.starts_with(place.as_str())));
        let open: Vec<_> = open.cloned().collect();
        wrong = problems(&prometheus, &open).await;
        if wrong.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(wrong, BTreeSet::new());
    for (series, label) in variables() {
        let path = format!("label/{label}/values");
        let values = prometheus.ask(&path, &[("match[]", &series)]).await.expect("answers");
        assert!(
            values.as_array().is_some_and(|values| values.len() >= Queue::ALL.len()),
            "{series}"
        );
    }
    unwatched(&platform, &asked).await;

    platform.stop();
    app.database
        .execute(
            "DELETE FROM jobs WHERE kind IN ('a_kind_of_tomorrow', 'a_long_work');
             UPDATE jobs SET run_at = app_now() WHERE queue = 'mail' AND state = 'pending'",
        )
        .await;
    app.run_due_jobs().await;
    app.expect_dead("expire_unpaid_escrow").await;
    app.finish().await;
}

/// Every figure of ours is on a dashboard or in a rule: what nobody looks at is not exported.
async fn unwatched(platform: &Platform, asked: &[(String, String)]) {
    let watched: BTreeSet<String> = asked
        .iter()
        .flat_map(|(_, expression)| selectors(expression))
        .filter_map(|selector| selector.split('{').next().map(str::to_owned))
        .collect();
    let mut exported = BTreeSet::new();
    for (process, _) in &platform.metrics {
        let shown = platform.exposition(process).await;
        let types = shown.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        exported.extend(types.filter_map(|line| line.split(' ').next().map(str::to_owned)));
    }
    let is_watched = |name: &String| {
        name.starts_with("process_")
            || ["", "_bucket", "_count"].iter().any(|end| watched.contains(&format!("{name}{end}")))
    };
    let unwatched: Vec<&String> = exported.iter().filter(|name| !is_watched(name)).collect();
    assert_eq!(unwatched, Vec::<&String>::new(), "is exported, and nobody looks at it");
}

#[tokio::test]
async fn every_command_of_the_runbooks_is_understood() {
    let app = TestApp::start().await;
    let book = file("runbooks.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let commands: BTreeSet<&str> = book.split('`').skip(1).step_by(2).collect();
    let registry = shared::jobs::registry();
    let mut tried = 0;
    for command in commands {
        let words = command.replace('"', "");
        let words: Vec<&str> = words
            .split(' ')
            .map(|word| match word {
                "ID" => "1",
                "KIND" => "ledger_check",
                "QUEUE" => "mail",
                "WORKER" => "nobody",
                _ => word,
            })
            .collect();
        if let Some(kind) = words.iter().skip_while(|word| **word != "--kind").nth(1) {
            assert!(registry.get(kind).is_some(), "{command} names a kind");
        }
        match words.as_slice() {
            // Refused is understood: there is no such job.
            ["wibe", arguments @ ..] => {
                let said = Finished::run("wibe", arguments, &app.variables());
                assert!(matches!(said.code, Some(0 | 1)), "{command}: {}{}", said.out, said.err);
            }
            ["scheduler", arguments @ ..] => {
                Finished::run("scheduler", arguments, &app.variables()).expect(0);
            }
            _ => continue,
        }
        tried += 1;
    }
    assert!(tried > 20, "the runbooks have commands");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trace_of_a_request_is_on_its_log_line_and_on_those_of_its_jobs() {
    let mut app = TestApp::start().await;
    let logs = std::env::temp_dir().join(format!("wibe-test-logs-{}", app.database.name));
    std::fs::create_dir_all(&logs).expect("a folder");
    let mut variables = app.variables();
    let listen = free_address();
    for (name, value) in [
        ("LOG_LEVEL", "info"),
        ("API_LISTEN", &listen),
        ("API_METRICS_LISTEN", "127.0.0.1:0"),
        ("WORKER_METRICS_LISTEN", "127.0.0.1:0"),
        ("TRUSTED_PROXY_COUNT", "1"),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    let log = |binary: &str| logs.join(format!("{binary}.log"));
    let mut processes =
        ["api", "worker"].map(|binary| Process::start_with_log(binary, &variables, &log(binary)));
    app.client = Client::at(&format!("http://{listen}"));
    eventually("the API answers", async || {
        reqwest::get(format!("http://{listen}/health/")).await.is_ok()
    })
    .await;
    let register = json!({ "email": "trace@example.uz", "password": "sufficient-1-password" });
    let request = app
        .client
        .request(reqwest::Method::POST, "auth/register/")
        .header("X-Request-ID", "from-click-to-mail")
        .json(&register);
    app.client.send(request).await.expect(201);
    eventually("the mail is sent", async || {
        app.database.number("SELECT count(*) FROM jobs WHERE state = 'done'").await == 1
    })
    .await;
    for process in &mut processes {
        assert!(process.terminate().success());
    }
    for (binary, line) in
        [("api", "POST /api/v1/auth/register/ 201"), ("worker", "job send_email_verification ok")]
    {
        let text = std::fs::read_to_string(log(binary)).expect("a log");
        let found = text.lines().find(|found| found.contains(line));
        let found = found.unwrap_or_else(|| panic!("{line} is in the log of {binary}: {text}"));
        assert!(found.contains("trace_id=\"from-click-to-mail\""), "{found}");
    }
    std::fs::remove_dir_all(&logs).ok();
    app.finish().await;
}
