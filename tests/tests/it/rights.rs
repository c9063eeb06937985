//! Who may call what: `rights.txt`, every route with every role, compared with what the API answers.
//!
//! The routes are those of the generated documentation, which another test compares with the router; so a route without a
//! line fails here, and the failure is the line to add.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Person, Reply, Story, TestApp};

/// Read when the test runs: a changed line compiles nothing.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/rights.txt");

/// The columns of the table.
const ROLES: [&str; 10] = [
    "anonymous",
    "unverified",
    "other",
    "buyer",
    "seller",
    "moderator",
    "finance",
    "superuser",
    "staff",
    "banned",
];

/// The name of who stays banned.
const BANNED: &str = "Banned for good";

/// What a role is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// Past every door: whatever is wrong with the request is answered then.
    Yes,
    /// Refused so.
    Refused(u16),
    /// A provider's address: it speaks the provider's protocol, to anybody.
    Own,
}

/// A route, and what each role is answered.
struct Row {
    method: Method,
    path: String,
    cells: Vec<Cell>,
    /// What a request says that is to be refused for who sends it, and not for what it says.
    body: Value,
}

fn parse(line: &str) -> Row {
    let mut words = line.split_whitespace();
    let mut word = || words.next().unwrap_or_else(|| panic!("too short: {line}"));
    let (method, path) = (word(), word());
    let cells = ROLES.map(|_| match word() {
        "yes" => Cell::Yes,
        "own" => Cell::Own,
        status @ ("401" | "403" | "404") => Cell::Refused(status.parse().expect("a number")),
        other => panic!("{other} is no answer: {line}"),
    });
    let body: Vec<&str> = words.collect();
    let body = if body.is_empty() { "{}".to_owned() } else { body.join(" ") };
    Row {
        method: method.parse().expect("a method"),
        path: path.to_owned(),
        cells: cells.to_vec(),
        body: serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {line}")),
    }
}

fn recorded() -> Vec<Row> {
    let table = std::fs::read_to_string(TABLE).expect("the table");
    let lines = table.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(parse).collect()
}

/// A platform with something for every path to speak of.
struct World {
    app: TestApp,
    /// In the order of the columns.
    clients: Vec<Client>,
    /// Ids, by the path in front of them.
    objects: BTreeMap<&'static str, String>,
    /// A listing that nobody has dealt about.
    spare: String,
}

impl World {
    async fn new() -> Self {
        let app = TestApp::start_with(&[
            ("ADJUSTMENT_REVIEW_ABOVE", "10.00"),
            ("RATE_LIMIT_AUTH", "off"),
            ("RATE_LIMIT_API", "off"),
        ])
        .await;
        let deal = Story::new(&app).handed_over().await;
        let (buyer, seller) = (&deal.buyer, &deal.seller);
        // The same form within a minute is the same listing.
        app.advance("2 minutes").await;
        let spare = Story::new(&app).listed(seller).await;
        app.advance("2 minutes").await;
        let public = Story::new(&app).listed(seller).await;
        let mut objects = BTreeMap::from([
            ("/api/v1/listings/", public.clone()),
            ("/api/v1/admin-panel/listings/", public),
            ("/api/v1/payments/escrow/", deal.id.to_string()),
            ("/api/v1/admin-panel/trades/", deal.id.to_string()),
            ("/api/v1/admin-panel/users/", buyer.id.to_string()),
            ("/api/v1/admin-panel/switches/", "releases".to_owned()),
            ("/api/v1/admin-panel/payment-methods/", "payme".to_owned()),
            ("/api/v1/admin-panel/jobs/queues/", "money".to_owned()),
            ("/api/v1/admin-panel/jobs/workers/", "host-1-aa".to_owned()),
            ("/api/v1/games/", "steam".to_owned()),
        ]);
        for (paths, id) in made(&app, buyer).await {
            objects.extend(paths.iter().map(|path| (*path, id.clone())));
        }
        let staff = [app.staff_with("moderator").await, app.staff_with("finance").await];
        let (unverified, other) = (app.unverified("unverified").await, app.person("other").await);
        let clients = [
            app.client.clone(),
            unverified.client,
            other.client,
            buyer.client.clone(),
            seller.client.clone(),
            staff[0].client.clone(),
            staff[1].client.clone(),
            app.superuser().await.client,
            app.staff_with("roleless").await.client,
            banned(&app).await,
        ];
        let clients = clients.to_vec();
        app.run_due_jobs().await;
        Self { app, clients, objects, spare }
    }

    /// The path with things that are there in its gaps; and whether what it speaks of is there: a POST without a gap may
    /// be about something of the person's own, which need not be.
    fn fill(&self, row: &Row) -> (String, bool) {
        let Some((before, rest)) = row.path.split_once('{') else {
            return (row.path.clone(), row.method == Method::GET);
        };
        let after = rest.split_once('}').expect("closed").1;
        let known = if row.method == Method::DELETE && before == "/api/v1/listings/" {
            Some(&self.spare)
        } else {
            self.objects.get(before)
        };
        let whole = known.is_some() && !after.contains('{');
        let nothing = "01890000-0000-7000-8000-000000000000";
        let id = known.map_or(nothing, String::as_str);
        let mut path = format!("{before}{id}{after}");
        while let Some((before, rest)) = path.split_once('{') {
            path = format!("{before}{nothing}{}", rest.split_once('}').expect("closed").1);
        }
        (path, whole)
    }

    /// What would be done, if it were allowed.
    async fn ask(&self, client: &Client, method: &Method, path: &str, body: &Value) -> Reply {
        let request = client.request(method.clone(), path);
        let request = if method == Method::GET { request } else { request.json(body) };
        client.send(request).await
    }

    /// What gets past every door and then says nothing that can be understood.
    async fn knock(&self, client: &Client, row: &Row, path: &str) -> Reply {
        let request = client.request(row.method.clone(), path);
        let request = if row.method == Method::GET {
            request
        } else {
            let nonsense = json!({ "knock": "knock" });
            request.header("Idempotency-Key", "x".repeat(300)).json(&nonsense)
        };
        let reply = client.send(request).await;
        if row.method != Method::GET && ["/auth/", "/profile/"].iter().any(|at| path.contains(at)) {
            // Whoever signed out or left is there again.
            let again = format!(
                "UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL WHERE revoked_at IS NOT NULL;
                 UPDATE users SET is_active = true, deleted_at = NULL
                 WHERE (deleted_at IS NOT NULL OR NOT is_active) AND full_name <> '{BANNED}'"
            );
            self.app.database.execute(&again).await;
        }
        reply
    }

    /// Everything that a refused request must leave as it is.
    async fn state(&self) -> BTreeMap<String, String> {
        let tables =
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
             WHERE table_schema IN ('public', 'ledger') AND table_type = 'BASE TABLE'
               AND table_name NOT IN ('audit_log', 'sessions', 'job_workers')";
        let mut state = BTreeMap::new();
        for table in self.app.database.texts(tables).await {
            let rows = format!(
                "SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
            );
            state.insert(table, self.app.database.texts(&rows).await.concat());
        }
        state
    }
}

/// A moderator who signed in and was banned then.
async fn banned(app: &TestApp) -> Client {
    let person = app.staff_with("moderator").await;
    let ban = format!(
        "UPDATE users SET is_active = false, full_name = '{BANNED}' WHERE id = '{}'",
        person.id
    );
    app.database.execute(&ban).await;
    person.client
}

/// What a buyer and staff leave behind, with the paths that lead to it.
async fn made(app: &TestApp, buyer: &Person) -> Vec<(Vec<&'static str>, String)> {
    app.fund(buyer, 1_000_000).await;
    let id = |reply: Reply| reply.text_at("/id").to_owned();
    let withdrawal = Person::withdrawal(50_000, "8600533364098829");
    let withdrawal = buyer.client.post("payments/withdrawal/create/", withdrawal).await;
    let plan = json!({ "plan_slug": "premium", "period": "monthly" });
    let subscription = buyer.client.post("subscriptions/purchase/", plan).await.expect(201);
    let staff = app.staff().await;
    let adjust = format!("admin-panel/users/{}/adjust-balance/", buyer.id);
    let correction = json!({ "amount": "50.00", "reason": "goodwill" });
    let adjustment = staff.client.post(&adjust, correction).await.expect(201);
    let deposit = buyer.client.get("payments/transactions/?type=deposit").await.expect(200);
    app.database
        .execute(
            "INSERT INTO payment_cases (kind, provider, reference) VALUES ('paid_late', 'payme', 'rights');
             INSERT INTO jobs (kind, queue, args, state, max_attempts, run_at) VALUES ('ledger_check', 'bulk', '{}', 'pending', 6, app_now() + interval '1 hour');
             INSERT INTO job_workers (worker, queue, slots, running) VALUES ('host-1-aa', 'money', 8, 3)",
        )
        .await;
    let number = async |sql: &str| app.database.number(sql).await.to_string();
    let mut made = vec![
        (
            vec![
                "/api/v1/payments/withdrawals/",
                "/api/v1/payments/withdrawal/",
                "/api/v1/admin-panel/withdrawals/",
            ],
            id(withdrawal.expect(201)),
        ),
        (vec!["/api/v1/subscriptions/"], id(subscription)),
        (vec!["/api/v1/admin-panel/adjustments/"], id(adjustment)),
        (
            vec!["/api/v1/payments/transactions/", "/api/v1/admin-panel/transactions/"],
            deposit.text_at("/results/0/id").to_owned(),
        ),
    ];
    let case = number("SELECT max(id) FROM payment_cases").await;
    made.push((vec!["/api/v1/admin-panel/payment-cases/"], case));
    let job = number("SELECT max(id) FROM jobs WHERE kind = 'ledger_check'").await;
    made.push((vec!["/api/v1/admin-panel/jobs/"], job));
    made
}

/// The routes of the documentation.
async fn routes(app: &TestApp) -> BTreeSet<(String, String)> {
    let document = app.client.get("schema/").await.expect(200).json;
    let paths = document["paths"].as_object().expect("paths");
    let methods = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("methods").keys();
        methods.map(move |method| (path.clone(), method.to_uppercase()))
    });
    methods.filter(|(_, method)| method != "PARAMETERS").collect()
}

/// Fails with the lines to add and the lines to take away.
async fn compare(world: &World, rows: &[Row]) {
    let routes = routes(&world.app).await;
    let mut known = BTreeSet::new();
    for row in rows {
        let route = (row.path.clone(), row.method.to_string());
        assert!(known.insert(route), "rights.txt has {} {} twice", row.method, row.path);
    }
    let gone: Vec<_> = known.difference(&routes).collect();
    let mut missing = String::new();
    for (path, method) in routes.difference(&known) {
        let (method, path) = (method.parse().expect("a method"), path.clone());
        let row = Row { method, path, cells: Vec::new(), body: json!({}) };
        let (path, _) = world.fill(&row);
        write!(missing, "\n{:<6} {}", row.method.as_str(), row.path).expect("a String takes it");
        for client in &world.clients {
            let word = match world.knock(client, &row, &path).await.status {
                refused @ (401 | 403 | 404) => refused.to_string(),
                _ => "yes".to_owned(),
            };
            write!(missing, " {word}").expect("a String takes it");
        }
    }
    assert!(
        missing.is_empty() && gone.is_empty(),
        "rights.txt, next to this test, says who may call what, and lacks these routes. Add the lines; the words are what \
         is answered today to an empty request, so think about each:{missing}\nIt has these, which are no routes: {gone:?}"
    );
}

/// Asks for everything that is refused; returns how often staff's pages said 403.
async fn refusals(world: &World, rows: &[Row], problems: &mut Vec<String>) -> i64 {
    let mut forbidden = 0;
    for row in rows {
        let (path, _) = world.fill(row);
        let refused = row.cells.iter().zip(ROLES).zip(&world.clients);
        for ((cell, role), client) in refused {
            let Cell::Refused(status) = *cell else { continue };
            let reply = world.ask(client, &row.method, &path, &row.body).await;
            if reply.status != status {
                let (method, at, got) = (&row.method, &row.path, reply.status);
                problems.push(format!(
                    "{method} {at} as {role}: {status} is written, {got} is answered: {}",
                    reply.text
                ));
            }
            if let Some(rest) = path.strip_prefix("/api/v1/admin-panel/") {
                forbidden += i64::from(reply.status == 403);
                // The UI's own way to some of them must not be a way around.
                let alias = format!("/api/v1/api/v1/admin-panel/{rest}");
                let there = world.ask(client, &row.method, &alias, &row.body).await.status;
                if there != status && there != 404 {
                    problems.push(format!("{} {alias} as {role}: {there}", row.method));
                }
            }
        }
    }
    forbidden
}

/// Knocks wherever it is allowed.
async fn admissions(world: &World, rows: &[Row], problems: &mut Vec<String>) {
    for row in rows {
        let (path, whole) = world.fill(row);
        let allowed = row.cells.iter().zip(ROLES).zip(&world.clients);
        for ((cell, role), client) in allowed {
            let reply = match cell {
                Cell::Refused(_) => continue,
                Cell::Yes | Cell::Own => world.knock(client, row, &path).await,
            };
            let refused = match reply.status {
                401 | 403 => *cell == Cell::Yes,
                404 => *cell == Cell::Yes && whole,
                405 | 429 => *cell == Cell::Yes,
                status => status >= 500,
            };
            if refused {
                let (method, at, status) = (&row.method, &row.path, reply.status);
                problems
                    .push(format!("{method} {at} as {role}: {status} is answered: {}", reply.text));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_answers_every_role_as_it_is_written() {
    let (world, rows) = (World::new().await, recorded());
    compare(&world, &rows).await;
    let mut problems = Vec::new();
    let before = world.state().await;
    let forbidden = refusals(&world, &rows, &mut problems).await;
    let after = world.state().await;
    let changed: Vec<_> = before.iter().filter(|(table, was)| after[*table] != **was).collect();
    assert!(changed.is_empty(), "refused requests changed {changed:?}; {problems:#?}");
    let noted = "SELECT count(*) FROM audit_log WHERE action = 'access.refused' AND object_id LIKE '% /api/v1/admin-panel/%'";
    let noted = world.app.database.number(noted).await;
    admissions(&world, &rows, &mut problems).await;
    assert!(problems.is_empty(), "rights.txt and the API do not agree:\n{}", problems.join("\n"));
    assert_eq!(noted, forbidden, "each refusal of a page of staff's is in the audit log");
    world.app.run_due_jobs().await;
    world.app.finish().await;
}
