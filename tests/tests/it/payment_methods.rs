//! Payment methods as staff see and change them, and what that does to everybody else.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, TestApp};

const ALL: &str = "admin-panel/payment-methods/";
const CLICK: &str = "admin-panel/payment-methods/click/";

async fn public(client: &Client) -> Vec<Value> {
    client
        .get("payments/methods/")
        .await
        .expect(200)
        .at("/results")
        .as_array()
        .expect("rows")
        .clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_see_all_methods_and_superusers_change_them() {
    let app = TestApp::start().await;
    let (staff, superuser) = (app.staff().await, app.superuser().await);
    let body = json!({ "is_active": false });
    app.client.get(ALL).await.expect_error(401, "NOT_AUTHENTICATED");
    app.client.patch(CLICK, body.clone()).await.expect_error(401, "NOT_AUTHENTICATED");
    let person = app.person("person").await.client;
    person.get(ALL).await.expect_error(403, "PERMISSION_DENIED");
    person.patch(CLICK, body.clone()).await.expect_error(403, "PERMISSION_DENIED");
    staff.client.patch(CLICK, body.clone()).await.expect_error(403, "PERMISSION_DENIED");

    let config = json!({ "service_id": 10_001, "help": { "uz": "https://click.uz/yordam" } });
    let wanted =
        json!({ "is_active": false, "name": " Click Up ", "icon": "click-2", "config": config });
    let changed = superuser.client.patch(CLICK, wanted).await.expect(200);
    for (field, value) in [
        ("/code", json!("click")),
        ("/name", json!("Click Up")),
        ("/icon", json!("click-2")),
        ("/is_active", json!(false)),
        ("/config", config.clone()),
    ] {
        assert_eq!(changed.at(field), &value, "{field}");
    }
    let listed = staff.client.get(ALL).await.expect(200);
    assert_eq!(listed.at("/count"), 5);
    let rows = listed.at("/results").as_array().expect("rows");
    assert_eq!(rows.iter().find(|row| row["code"] == "click"), Some(&changed.json));
    let shown = public(&app.client).await;
    assert_eq!(shown.len(), 4, "what is off is not offered");
    assert!(shown.iter().all(|row| row.get("config").is_none()), "the public sees no config");
    let deposit = json!({ "amount": 50_000, "payment_method": "click" });
    person.post("payments/deposit/", deposit).await.expect_error(400, "VALIDATION_ERROR");

    superuser.client.patch(CLICK, json!({ "is_active": true })).await.expect(200);
    assert_eq!(public(&app.client).await.len(), 5);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_audited_once_and_a_change_that_is_none_is_not() {
    let app = TestApp::start().await;
    let superuser = app.superuser().await;
    let body = json!({ "is_active": false, "name": "Click" });
    let clicks = join_all((0..9).map(|_| superuser.client.patch(CLICK, body.clone()))).await;
    assert!(clicks.iter().all(|reply| reply.status == 200 && reply.json == clicks[0].json));
    superuser.client.patch(CLICK, json!({})).await.expect(200);
    let audited = "SELECT actor || ' ' || object_type || ' ' || object_id || ' ' || details
                   FROM audit_log WHERE action = 'payment_method.changed'";
    assert_eq!(
        app.database.texts(audited).await,
        [format!(
            r#"staff:{} payment_method click {{"is_active": {{"to": false, "from": true}}}}"#,
            superuser.id
        )]
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_be_a_method_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let superuser = app.superuser().await.client;
    let before = app.database.texts("SELECT m FROM payment_methods m ORDER BY code").await;
    for (body, field) in [
        (json!({ "name": "  " }), "name"),
        (json!({ "name": "x".repeat(51) }), "name"),
        (json!({ "icon": "x".repeat(51) }), "icon"),
        (json!({ "name": 5 }), "name"),
        (json!({ "is_active": "no" }), "is_active"),
        (json!({ "code": "other" }), "code"),
        (json!({ "config": [] }), "config"),
        (json!({ "config": "{}" }), "config"),
        (json!({ "config": { "note": "x ".repeat(4_000) } }), "config"),
        (json!({ "config": { "secret_key": "x" } }), "config.secret_key"),
        (json!({ "config": { "nested": [{ "apiKey": "x" }] } }), "config.nested.apiKey"),
        (json!({ "config": { "password": null } }), "config.password"),
        (json!({ "config": { "note": "TESTKEY0123456789abcdefghijklmnopqrs" } }), "config.note"),
        (json!({ "config": { "url": "https://wibe:pass@paynet.uz" } }), "config.url"),
        (json!({ "config": { "card": "8600 0000 0000 0007" } }), "config.card"),
    ] {
        let reply =
            superuser.patch(CLICK, body.clone()).await.expect_error(400, "VALIDATION_ERROR");
        let details = reply.at("/error/details").as_object().expect("details");
        assert!(details.contains_key(field), "{body}: {}", reply.text);
    }
    let taken = superuser.patch(CLICK, json!({ "name": "Payme" })).await;
    taken.expect_error(409, "ALREADY_EXISTS");
    for unknown in ["stripe", "CLICK", "%00"] {
        let path = format!("admin-panel/payment-methods/{unknown}/");
        superuser.patch(&path, json!({ "icon": "x" })).await.expect_error(404, "NOT_FOUND");
    }
    let after = app.database.texts("SELECT m FROM payment_methods m ORDER BY code").await;
    assert_eq!(before, after);
    assert_eq!(app.database.number("SELECT count(*) FROM audit_log").await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_providers_webhook_is_not_there() {
    let app = TestApp::start().await;
    for provider in ["stripe", "PAYNET", "paynet2", "%2e%2e", "balance"] {
        for method in [Method::POST, Method::GET, Method::DELETE] {
            let path = format!("payments/webhooks/{provider}/");
            let reply = app.client.send(app.client.request(method, &path).body("{}")).await;
            reply.expect_error(404, "NOT_FOUND");
        }
    }
    assert_eq!(app.database.number("SELECT count(*) FROM webhook_calls").await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_lists_that_no_page_ever_pages_are_told_whole() {
    let app = TestApp::start().await;
    app.database
        .execute(
            "INSERT INTO payment_methods (id, name, code)
             SELECT gen_random_uuid(), 'Method ' || n, 'method-' || n FROM generate_series(1, 30) n;
             INSERT INTO subscription_plans (id, name, slug, price_monthly, price_yearly, commission_rate_bp)
             SELECT gen_random_uuid(), 'Plan ' || n, 'plan-' || n, 1, 1, 900 FROM generate_series(1, 30) n;
             INSERT INTO payment_cases (kind, provider, reference)
             SELECT 'paid_late', 'payme', 'case ' || n FROM generate_series(1, 30) n",
        )
        .await;
    let staff = app.staff().await.client;
    for (client, path) in [
        (&app.client, "payments/methods/"),
        (&app.client, "subscriptions/plans/"),
        (&staff, "admin-panel/payment-methods/"),
        (&staff, "admin-panel/payment-cases/"),
    ] {
        let list = client.get(path).await.expect(200);
        let told = list.at("/results").as_array().expect("a list").len();
        assert!(told >= 30, "{path}: {told}");
        assert_eq!((list.at("/count"), list.at("/next")), (&json!(told), &json!(null)), "{path}");
    }
    app.finish().await;
}
