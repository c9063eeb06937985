//! Who may press which button, and what is not understood.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, TestApp};

use super::{audited, clear, job_in, path, row};

/// Every route, and whether it is for superusers only; the status says that the caller came past the door.
const ROUTES: [(&str, &str, bool, u16); 14] = [
    ("GET", "", false, 200),
    ("GET", "kinds/", false, 200),
    ("GET", "queues/", false, 200),
    ("GET", "workers/", false, 200),
    ("GET", "999999/", false, 404),
    ("POST", "999999/retry/", false, 404),
    ("POST", "999999/cancel/", false, 404),
    ("POST", "999999/snooze/", false, 415),
    ("POST", "999999/discard/", false, 404),
    ("POST", "retry-dead/", true, 415),
    ("POST", "discard-dead/", true, 415),
    ("POST", "queues/gold/pause/", true, 404),
    ("POST", "queues/gold/resume/", true, 404),
    ("POST", "workers/nobody/drain/", true, 404),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_look_and_act_on_one_job_and_only_superusers_on_many() {
    let app = TestApp::start().await;
    let (user, staff, superuser) =
        (app.person("user").await, app.staff().await, app.superuser().await);
    let ask = async |client: &Client, method: &str, rest: &str| {
        let method: Method = method.parse().expect("a method");
        client.send(client.request(method, &path(rest))).await.status
    };
    for (method, rest, super_only, past) in ROUTES {
        assert_eq!(ask(&app.client, method, rest).await, 401, "a visitor: {method} {rest}");
        assert_eq!(ask(&user.client, method, rest).await, 403, "a user: {method} {rest}");
        let expected = if super_only { 403 } else { past };
        assert_eq!(ask(&staff.client, method, rest).await, expected, "staff: {method} {rest}");
        assert_eq!(ask(&superuser.client, method, rest).await, past, "{method} {rest}");
    }
    let documented = app.client.get("schema/").await.expect(200);
    for (method, rest, ..) in ROUTES {
        let rest = rest.replace("999999", "{id}").replace("gold", "{queue}");
        let pointer = format!("/api/v1/admin-panel/jobs/{}", rest.replace("nobody", "{worker}"));
        let operation = &documented.json["paths"][&pointer][method.to_lowercase()];
        assert!(operation["summary"].is_string(), "{method} {pointer} is documented");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_understood_is_refused_by_name_and_changes_nothing() {
    let app = TestApp::start().await;
    let superuser = app.superuser().await;
    let id = job_in(&app, "scheduled").await;
    let before = row(&app, id).await;
    let long = "x".repeat(2_001);
    let one = |verb: &str| format!("{id}/{verb}/");
    for (rest, body, field) in [
        (one("retry"), json!({ "why": "typo" }), "why"),
        (one("cancel"), json!({ "reason": long }), "reason"),
        (one("cancel"), json!({ "reason": 5 }), "reason"),
        (one("snooze"), json!({}), "until"),
        (one("snooze"), json!({ "delay_seconds": 0 }), "delay_seconds"),
        (one("snooze"), json!({ "delay_seconds": -5 }), "delay_seconds"),
        (one("snooze"), json!({ "delay_seconds": 99_999_999 }), "delay_seconds"),
        (one("snooze"), json!({ "delay_seconds": 5, "until": "2099-01-01T00:00:00Z" }), "until"),
        (one("snooze"), json!({ "until": "2020-01-01T00:00:00Z" }), "until"),
        (one("snooze"), json!({ "until": "9999-01-01T00:00:00Z" }), "until"),
        (one("snooze"), json!({ "until": "tomorrow" }), "until"),
        ("retry-dead/".to_owned(), json!({}), "kind"),
        ("retry-dead/".to_owned(), json!({ "kind": "" }), "kind"),
        ("retry-dead/".to_owned(), json!({ "kind": "x", "limit": 0 }), "limit"),
        ("discard-dead/".to_owned(), json!({ "kind": "x", "limit": 10_001 }), "limit"),
        ("discard-dead/".to_owned(), json!({ "kind": "x", "died_before": "2h" }), "died_before"),
        ("queues/money/pause/".to_owned(), json!({ "reason": long }), "reason"),
    ] {
        let reply = superuser.client.post(&path(&rest), body).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details").get(field).is_some(), "{rest}: {}", reply.text);
    }
    for query in [
        "state=sleeping",
        "queue=gold",
        "created_after=2h",
        "ordering=kind",
        "limit=0",
        "kind=a%00b",
        "args=1",
        "fields=args",
    ] {
        let reply = superuser.client.get(&path(&format!("?{query}"))).await;
        reply.expect_error(400, "VALIDATION_ERROR");
    }
    for nothing in ["abc/", "0/", "-1/", "99999999999999999999/", "1.5/"] {
        superuser.client.get(&path(nothing)).await.expect_error(404, "NOT_FOUND");
    }
    assert_eq!(row(&app, id).await, before);
    assert_eq!(
        (audited(&app).await, app.database.number("SELECT count(*) FROM job_queues").await),
        (0, 0)
    );
    clear(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_are_answered_in_their_language() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let (done, dead) = (job_in(&app, "done").await, job_in(&app, "dead").await);
    let mut said = Vec::new();
    for language in ["uz", "ru", "en"] {
        app.database
            .execute(&format!("UPDATE users SET language = '{language}' WHERE id = '{}'", staff.id))
            .await;
        let refused = staff.client.post_empty(&path(&format!("{done}/retry/"))).await;
        let refused = refused.expect_error(409, "INVALID_STATE");
        let shown = staff.client.get(&path(&format!("{dead}/"))).await.expect(200);
        said.extend(
            [
                refused.at("/error/message"),
                refused.at("/error/details/hint/0"),
                shown.at("/next/message"),
            ]
            .map(Value::to_string),
        );
    }
    let all = said.len();
    said.sort();
    said.dedup();
    assert_eq!((said.len(), all), (9, 9), "each language has its own sentences: {said:?}");
    clear(&app).await;
    app.finish().await;
}
