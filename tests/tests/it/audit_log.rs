//! The audit log: nothing in it changes, every line says who and from where, and staff find what they look for.

use std::collections::BTreeSet;

use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, LogLines, Person, Reply, Story, TestApp};

const LOG: &str = "admin-panel/audit-log/";

/// A platform behind a proxy of ours, whose request ids are taken over.
async fn behind_a_proxy() -> TestApp {
    TestApp::start_with(&[("TRUSTED_PROXY_COUNT", "1")]).await
}

/// Sends a request as a program with a name, under a request id.
async fn send(client: &Client, path: &str, body: Value, agent: &str, id: &str) -> Reply {
    let request = client.request(Method::POST, path).json(&body);
    client.send(request.header("User-Agent", agent).header("X-Request-ID", id)).await
}

/// The values of a field of the rows of a list.
fn column(reply: &Reply, field: &str) -> Vec<String> {
    let rows = reply.at("/results").as_array().expect("rows").iter();
    rows.map(|row| row[field].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_a_request_says_from_where_it_came_the_ledgers_too() {
    let app = behind_a_proxy().await;
    let (seller, buyer) = (app.person("seller").await, app.person("buyer").await);
    let listing = Story::new(&app).listed(&seller).await;
    app.fund(&buyer, 100_000).await;
    let body = json!({ "listing_id": listing });
    let agent = "Mozilla/5.0 (a test)";
    send(&buyer.client, "payments/purchase/", body, agent, "purchase-1").await.expect(201);
    let lines = "SELECT action || '|' || coalesce(ip, '-') || '|' || coalesce(user_agent, '-') FROM audit_log
                 WHERE request_id = 'purchase-1' AND actor LIKE 'user:%' ORDER BY action";
    let lines = app.database.texts(lines).await;
    assert!(lines.iter().any(|line| line.starts_with("money.escrow_fund|")), "{lines:?}");
    for line in &lines {
        assert!(line.ends_with(&format!("|127.0.0.1|{agent}")), "{line}");
    }
    // What jobs do afterwards on the same connections is nobody's request.
    app.advance("72 hours 1 second").await;
    app.run_due_jobs().await;
    let by_jobs = "SELECT count(*) FROM audit_log WHERE action = 'money.escrow_refund'";
    assert_eq!(app.database.number(by_jobs).await, 1);
    let claimed = "SELECT count(*) FROM audit_log WHERE (actor LIKE 'job:%' OR actor = 'system')
                   AND (ip IS NOT NULL OR user_agent IS NOT NULL)";
    assert_eq!(app.database.number(claimed).await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_writes_into_the_log_under_an_id_of_their_choice() {
    let app = TestApp::start().await;
    let person = app.person("forger").await;
    let path = format!("admin-panel/users/{}/adjust-balance/", person.id);
    let reply = send(&person.client, &path, json!({}), "curl/8", "approve-by-admin").await;
    let told = reply.expect(403).headers["x-request-id"].to_str().expect("a text").to_owned();
    let recorded = "SELECT request_id FROM audit_log WHERE action = 'access.refused'";
    assert_eq!(app.database.texts(recorded).await, [told.as_str()], "the answer says which it is");
    assert!(told.len() == 36 && told != "approve-by-admin", "{told}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_changes_the_log_and_the_application_cannot_take_its_guard_away() {
    let app = TestApp::start().await;
    Story::new(&app).listed(&app.person("seller").await).await;
    let digest = "SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM audit_log t";
    let before = app.database.texts(digest).await;
    for (by_owner, statement) in [
        (true, "UPDATE audit_log SET actor = 'system'"),
        (true, "UPDATE audit_log SET actor = 'system' WHERE false"),
        (true, "DELETE FROM audit_log"),
        (true, "TRUNCATE audit_log"),
        (true, "TRUNCATE audit_log CASCADE"),
        (
            true,
            "INSERT INTO audit_log (id, actor, action, object_type, object_id) VALUES (1, 'x', 'x', 'x', 'x')",
        ),
        (false, "UPDATE audit_log SET actor = 'system'"),
        (false, "DELETE FROM audit_log"),
        (false, "TRUNCATE audit_log"),
        (false, "DROP TABLE audit_log"),
        (false, "DROP TRIGGER audit_log_append_only ON audit_log"),
        (false, "ALTER TABLE audit_log DISABLE TRIGGER ALL"),
        (false, "ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only"),
        (false, "ALTER TABLE audit_log RENAME TO old_log"),
        (false, "SET session_replication_role = replica"),
        (
            false,
            "CREATE OR REPLACE FUNCTION forbid_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        ),
        (false, "ALTER TABLE audit_log OWNER TO CURRENT_USER"),
        (false, "CREATE RULE silent AS ON INSERT TO audit_log DO INSTEAD NOTHING"),
    ] {
        let url = if by_owner { app.database.owner_url() } else { app.database.app_url() };
        let mut conn = AsyncPgConnection::establish(&url).await.expect("connects");
        let refused = conn.batch_execute(statement).await;
        assert!(
            refused.is_err(),
            "accepted of {}: {statement}",
            if by_owner { "the owner" } else { "the application" }
        );
    }
    assert_eq!(app.database.texts(digest).await, before);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_request_of_staffs_pages_is_on_record_with_who_and_what_for() {
    let app = behind_a_proxy().await;
    let (person, moderator) = (app.person("curious").await, app.staff_with("moderator").await);
    let adjust = format!("admin-panel/users/{}/adjust-balance/", person.id);
    let body = json!({ "amount": "5000.00", "reason": "for me" });
    app.client.post(&adjust, body.clone()).await.expect(401);
    for (client, id) in [(&person.client, "try-1"), (&moderator.client, "try-2")] {
        send(client, &adjust, body.clone(), "curl/8", id)
            .await
            .expect_error(403, "PERMISSION_DENIED");
    }
    let everybodys = "payments/withdrawals/?admin=true";
    moderator.client.get(everybodys).await.expect_error(403, "PERMISSION_DENIED");
    person.client.get("payments/withdrawals/").await.expect(200);
    let rows = "SELECT split_part(actor, ':', 1) || '|' || object_id || '|' || (details ->> 'needs') || '|' || (details ->> 'has')
                FROM audit_log WHERE action = 'access.refused' ORDER BY id";
    let route = "POST /api/v1/admin-panel/users/{id}/adjust-balance";
    assert_eq!(
        app.database.texts(rows).await,
        [
            format!("user|{route}|finance|[]"),
            format!("staff|{route}|finance|[\"moderator\"]"),
            "staff|GET /api/v1/payments/withdrawals|finance|[\"moderator\"]".to_owned(),
        ]
    );
    let found = moderator.client.get(&format!("{LOG}?request_id=try-1")).await.expect(200);
    assert_eq!(found.text_at("/results/0/ip_address"), "127.0.0.1");
    assert_eq!(found.text_at("/results/0/user_agent"), "curl/8");
    assert_eq!(found.text_at("/results/0/admin_email"), person.email);
    assert!(found.text_at("/results/0/details/path").contains(&person.id.to_string()));
    assert_eq!(app.available(&person).await, "0.00");
    app.finish().await;
}

/// Two listings of a seller, decided about by two members of staff at different times.
async fn told(app: &TestApp) -> (Person, Person, String) {
    let (seller, one, two) =
        (app.person("seller").await, app.staff().await, app.staff_with("moderator").await);
    let first = Story::new(app).listed(&seller).await;
    let block = format!("admin-panel/listings/{first}/block/");
    one.client.post(&block, json!({ "reason": "stolen" })).await.expect(200);
    app.advance("48 hours").await;
    app.run_due_jobs().await;
    let second = Story::new(app).listed(&seller).await;
    let reject = format!("admin-panel/listings/{second}/reject/");
    send(&two.client, &reject, json!({}), "=HYPERLINK(\"http://x\")", "reject-1").await.expect(200);
    (one, two, first)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_find_lines_by_action_actor_object_request_and_time() {
    let app = behind_a_proxy().await;
    let start = app.now().await;
    let (one, two, first) = told(&app).await;
    let reader = &two.client;
    let all = reader.get(LOG).await.expect(200);
    let count = all.at("/count").as_u64().expect("a count");
    let row = all.at("/results/0");
    for field in [
        "created_at",
        "admin_email",
        "admin_name",
        "action_type",
        "target_type",
        "target_id",
        "ip_address",
    ] {
        assert!(row[field].is_string(), "{field}: {row}");
    }
    assert!(row["id"].is_i64());
    assert_eq!(
        row["action_type"], "listing.block",
        "the UI's button without a reason takes it down"
    );
    let day = |at: chrono::DateTime<chrono::Utc>| {
        (at + chrono::TimeDelta::hours(5)).format("%Y-%m-%d").to_string()
    };
    let (today, later) = (day(start), day(start + chrono::TimeDelta::hours(48)));
    for (query, actions) in [
        ("action_type=listing.block".to_owned(), vec!["listing.block", "listing.block"]),
        (format!("action_type=listing&date_to={today}"), vec!["listing.block", "listing.approve"]),
        (
            format!("action_type=listing&date_from={later}"),
            vec!["listing.block", "listing.approve"],
        ),
        ("action_type=list".to_owned(), vec![]),
        ("action_type=listin_".to_owned(), vec![]),
        (format!("actor={}&action_type=listing", one.id), vec!["listing.block"]),
        (format!("actor={}&action_type=listing", two.email.to_uppercase()), vec!["listing.block"]),
        (format!("actor=staff:{}&action_type=listing", one.id), vec!["listing.block"]),
        (
            format!("target_type=listing&target_id={first}"),
            vec!["listing.block", "listing.approve"],
        ),
        (
            format!("target_type=listing&target_id={first}&ordering=created_at"),
            vec!["listing.approve", "listing.block"],
        ),
        ("request_id=reject-1".to_owned(), vec!["listing.block"]),
        ("actor=nobody@example.uz".to_owned(), vec![]),
        ("actor=provider:payme".to_owned(), vec![]),
    ] {
        let found = reader.get(&format!("{LOG}?{query}")).await.expect(200);
        assert_eq!(column(&found, "action_type"), actions, "{query}");
    }
    let blank = reader.get(&format!("{LOG}?action_type=&date_from=&date_to=")).await.expect(200);
    assert_eq!(blank.at("/count").as_u64(), Some(count), "what is empty does not narrow");
    for wrong in ["date_from=yesterday", "actor=a%00b", "admin=1", "ordering=actor", "cursor=x1"] {
        assert_eq!(reader.get(&format!("{LOG}?{wrong}")).await.status, 400, "{wrong}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_reads_every_line_once_in_either_order() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    // Many at one instant, as one transaction writes them; and others at others.
    app.database
        .execute(
            "INSERT INTO audit_log (actor, action, object_type, object_id, at)
             SELECT 'system', 'x.y', 'x', n::text, app_now() - make_interval(secs => n / 50) FROM generate_series(1, 230) n",
        )
        .await;
    let expected = "SELECT object_id FROM audit_log WHERE action = 'x.y' ORDER BY at, id";
    let mut expected = app.database.texts(expected).await;
    for ordering in ["created_at", "-created_at"] {
        let mut seen = Vec::new();
        let mut path = format!("{LOG}?action_type=x&ordering={ordering}&limit=33&cursor=start");
        loop {
            let part = staff.client.get(&path).await.expect(200);
            seen.extend(column(&part, "target_id"));
            let Some(next) = part.at("/next").as_str() else { break };
            path = next.split_once("/api/v1/").expect("absolute").1.to_owned();
        }
        assert_eq!(seen, expected, "{ordering}");
        expected.reverse();
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_has_every_line_and_no_formula_and_is_on_record_itself() {
    let app = TestApp::start().await;
    let (_, two, _) = told(&app).await;
    app.database
        .execute(
            "INSERT INTO audit_log (actor, action, object_type, object_id)
             SELECT 'system', 'x.y', 'x', n::text FROM generate_series(1, 1200) n",
        )
        .await;
    let file = two.client.get(&format!("{LOG}export/")).await.expect(200);
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    let mut reader = csv::Reader::from_reader(file.text.as_bytes());
    let records: Vec<csv::StringRecord> =
        reader.records().collect::<Result<_, _>>().expect("a table");
    let lines = app.database.number("SELECT count(*) FROM audit_log").await;
    assert_eq!(i64::try_from(records.len()).expect("fits"), lines, "its own line is in it");
    let cells = || records.iter().flat_map(csv::StringRecord::iter);
    assert!(cells().any(|cell| cell == "'=HYPERLINK(\"http://x\")"), "the program's name");
    let formulas: Vec<_> = cells().filter(|cell| cell.starts_with(['=', '+', '-', '@'])).collect();
    assert!(formulas.is_empty(), "{formulas:?}");
    assert_eq!(records.last().and_then(|row| row.get(4)), Some("export.audit_log"));
    let narrowed = two.client.get(&format!("{LOG}export/?action_type=listing")).await.expect(200);
    assert_eq!(narrowed.text.lines().count(), 5, "{}", narrowed.text);
    two.client.get(&format!("{LOG}export/?page=2")).await.expect_error(400, "VALIDATION_ERROR");
    app.finish().await;
}

/// The events of a target since the last call, by two of their fields.
fn logged(lines: &LogLines, target: &str, fields: [&str; 2]) -> BTreeSet<String> {
    let ours = lines.take().into_iter().filter(|event| event["target"] == target);
    let word = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
    ours.map(|event| fields.map(|field| word(&event, field)).join(" ")).collect()
}

// One thread, so that the subscriber of this test sees all of this test and nothing else.
#[tokio::test]
async fn what_staff_do_and_where_listings_go_is_in_the_log() {
    let (lines, _listening) = LogLines::listen();
    let app = TestApp::start().await;
    let deal = Story::new(&app).handed_over().await;
    let text = |steps: &[&str]| steps.iter().map(|step| (*step).to_owned()).collect();
    let steps: BTreeSet<String> = text(&["none pending", "pending active", "active reserved"]);
    assert_eq!(
        logged(&lines, "listings", ["from", "to"])
            .difference(&text(&[" "]))
            .cloned()
            .collect::<BTreeSet<_>>(),
        steps
    );
    let (staff, superuser) = (app.staff().await, app.superuser().await);
    let user = |verb: &str| format!("admin-panel/users/{}/{verb}/", deal.buyer.id);
    let why = json!({ "reason": "x" });
    for (path, body) in [
        (format!("admin-panel/trades/{}/dispute/", deal.id), why.clone()),
        (format!("admin-panel/trades/{}/refund/", deal.id), json!({})),
        (user("freeze-balance"), why.clone()),
        (user("subscription"), json!({ "plan_slug": "premium", "months": 1 })),
        (user("roles"), json!({ "role": "finance", "action": "grant" })),
        ("admin-panel/switches/releases/off/".to_owned(), why.clone()),
        ("admin-panel/jobs/queues/bulk/pause/".to_owned(), why),
    ] {
        let by = if path.contains("trades") { &staff } else { &superuser };
        let reply = by.client.post(&path, body).await;
        assert!(reply.status < 300, "{path}: {}", reply.text);
    }
    staff.client.get("admin-panel/export/transactions/").await.expect(200);
    let said = logged(&lines, "audit", ["action", "object_type"]);
    let recorded =
        "SELECT DISTINCT action || ' ' || object_type FROM audit_log WHERE actor LIKE 'staff:%'
                    AND action NOT LIKE 'money.%' AND action NOT LIKE 'listing.approve'";
    let recorded: BTreeSet<String> = app.database.texts(recorded).await.into_iter().collect();
    assert!(recorded.len() >= 8, "{recorded:?}");
    assert_eq!(
        said, recorded,
        "each staff action in the audit log is a line of the log, and the reverse"
    );
    app.database.execute("DELETE FROM job_queues; UPDATE platform_switches SET off_at = NULL, off_by = NULL, reason = NULL").await;
    app.run_due_jobs().await;
    app.finish().await;
}
