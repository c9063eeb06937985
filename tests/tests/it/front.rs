//! The front of the API: what it says to bad input, strangers and lists, and that it documents itself.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Story, TestApp, sell_body};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_refused_with_the_right_status_and_changes_nothing() {
    let app = TestApp::start().await;
    let person = app.person("person").await;
    let post = |body: &str, kind: &str| {
        let request =
            person.client.request(Method::POST, "payments/deposit/").body(body.to_owned());
        if kind.is_empty() { request } else { request.header("Content-Type", kind) }
    };
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for (body, kind, status, code) in [
        ("{\"amount\": 5000,", "application/json", 400, "MALFORMED_JSON"),
        ("{\"amount\": 5000,}", "application/json", 400, "MALFORMED_JSON"),
        (deep.as_str(), "application/json", 400, "MALFORMED_JSON"),
        ("[]", "application/json", 400, "VALIDATION_ERROR"),
        ("null", "application/json", 400, "VALIDATION_ERROR"),
        ("{}", "application/json", 400, "VALIDATION_ERROR"),
        ("amount=5000", "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("amount=5000", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("{}", "", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ] {
        person.client.send(post(body, kind)).await.expect_error(status, code);
    }
    let invalid_utf8 = person
        .client
        .request(Method::POST, "payments/deposit/")
        .header("Content-Type", "application/json")
        .body(vec![b'{', b'"', 0xff, b'"', b'}']);
    person.client.send(invalid_utf8).await.expect_error(400, "MALFORMED_JSON");
    assert_eq!(app.database.number("SELECT count(*) FROM transactions").await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_amount_is_read_exactly_or_refused() {
    let app = TestApp::start().await;
    let person = app.person("person").await;
    for amount in [
        "0",
        "-5",
        "0.001",
        "1e3",
        "1E6",
        "\"1e6\"",
        "\"12,5\"",
        "\" 5000\"",
        "\"NaN\"",
        "null",
        "true",
        "[]",
        "99999999999999999999",
        "999.99",
        "\"5000.005\"",
        "+5000",
    ] {
        let body = format!("{{\"amount\": {amount}, \"payment_method\": \"payme\"}}");
        let request = person.client.request(Method::POST, "payments/deposit/");
        let request = request.header("Content-Type", "application/json").body(body);
        let reply = person.client.send(request).await;
        assert_eq!(reply.status, 400, "{amount}: {}", reply.text);
        assert!(
            matches!(reply.code(), "VALIDATION_ERROR" | "MALFORMED_JSON"),
            "{amount}: {}",
            reply.text
        );
    }
    let reply = person
        .client
        .post(
            "payments/deposit/",
            json!({ "amount": 5000, "payment_method": "payme", "status": "completed" }),
        )
        .await;
    assert!(
        reply.expect_error(400, "VALIDATION_ERROR").at("/error/details/status").is_array(),
        "the unknown field is named"
    );
    let reply =
        person.client.post("payments/deposit/", json!({ "payment_method": "payme\u{0}" })).await;
    reply.expect_error(400, "VALIDATION_ERROR");
    assert_eq!(app.database.number("SELECT count(*) FROM transactions").await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_over_the_limit_is_413_and_the_platform_lives_on() {
    let app = TestApp::start().await;
    let person = app.person("person").await;
    let body = format!("{{\"amount\": 5000, \"payment_method\": \"{}\"}}", "x".repeat(1_200_000));
    let request = person
        .client
        .request(Method::POST, "payments/deposit/")
        .header("Content-Type", "application/json")
        .body(body);
    person.client.send(request).await.expect_error(413, "PAYLOAD_TOO_LARGE");
    person.client.get("auth/me/").await.expect(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_speak_the_callers_language_in_one_envelope() {
    let app = TestApp::start().await;
    for (accept, message) in [
        ("ru", "Сначала войдите в систему."),
        ("en-US,en;q=0.9", "Please sign in first."),
        ("uz", "Avval tizimga kiring."),
        ("fr", "Avval tizimga kiring."),
    ] {
        let reply = app
            .client
            .send(app.client.request(Method::GET, "auth/me/").header("Accept-Language", accept))
            .await
            .expect_error(401, "NOT_AUTHENTICATED");
        assert_eq!(reply.text_at("/error/message"), message);
        assert_eq!(reply.at("/success"), &Value::Bool(false));
        assert!(reply.at("/error/details").is_object());
        assert!(reply.headers.contains_key("x-request-id"));
    }
    app.client.get("no/such/path/").await.expect_error(404, "NOT_FOUND");
    app.client.get("/nothing").await.expect_error(404, "NOT_FOUND");
    let reply = app
        .client
        .send(app.client.request(Method::DELETE, "games/"))
        .await
        .expect_error(405, "METHOD_NOT_ALLOWED");
    assert!(reply.headers.contains_key("allow"));
    for token in ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", &"x".repeat(8_000)] {
        app.client.with_token(token).get("auth/me/").await.expect_error(401, "TOKEN_INVALID");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_slash_forms_answer_alike() {
    let app = TestApp::start().await;
    assert_eq!(
        app.client.get("games/").await.expect(200).json,
        app.client.get("games").await.expect(200).json
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_page_order_and_select_and_refuse_what_they_do_not_know() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    for _ in 0..3 {
        Story::new(&app).listed(&seller).await;
        app.advance("2 minutes").await;
    }
    app.run_due_jobs().await;
    let page = app.client.get("listings/?page=1&limit=2").await.expect(200);
    assert_eq!(
        (page.at("/count"), page.at("/results").as_array().map(Vec::len)),
        (&json!(3), Some(2))
    );
    let next = page.text_at("/next");
    assert!(
        next.starts_with("http") && next.contains("page=2"),
        "absolute, in the caller's style: {next}"
    );
    assert_eq!(page.at("/previous"), &Value::Null);
    let second = app.client.get("listings/?limit=2&offset=2").await.expect(200);
    assert_eq!(second.at("/results").as_array().map(Vec::len), Some(1));
    assert!(second.text_at("/previous").contains("offset=0"));
    let thin = app.client.get("listings/?fields=id,title").await.expect(200);
    assert_eq!(thin.at("/results/0").as_object().map(serde_json::Map::len), Some(2));
    app.client.get("listings/?limit=100000&search=&game=").await.expect(200);
    for (query, name) in [
        ("page=0", "page"),
        ("limit=-1", "limit"),
        ("ordering=password", "ordering"),
        ("min_price=abc", "min_price"),
        ("is_premium=maybe", "is_premium"),
        ("nonsense=1", "nonsense"),
        ("fields=account_password", "fields"),
    ] {
        let reply = app
            .client
            .get(&format!("listings/?{query}"))
            .await
            .expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details").get(name).is_some(), "{query}: {}", reply.text);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_costs_the_same_statements_with_one_row_and_with_fifty() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    let game = app.client.get("games/").await.expect(200).text_at("/results/0/id").to_owned();
    Story::new(&app).listed(&seller).await;
    app.client.get("listings/").await.expect(200);
    let (with_one, _) = app.statements(app.client.get("listings/?limit=100")).await;
    for number in 0..49 {
        let mut body = sell_body(&game);
        body["title"] = json!(format!("Account number {number}"));
        seller.client.post("listings/", body).await.expect(201);
    }
    app.database.execute("UPDATE listings SET status = 'active', approved_at = app_now()").await;
    let (with_fifty, reply) = app.statements(app.client.get("listings/?limit=100")).await;
    assert_eq!(reply.expect(200).at("/count"), &json!(50));
    assert_eq!(with_one, with_fifty);
    for path in ["games/", "profile/listings/"] {
        let (statements, reply) = app.statements(seller.client.get(path)).await;
        reply.expect(200);
        assert!(statements <= 5, "{path} costs {statements} statements");
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_documents_every_operation_it_serves() {
    let app = TestApp::start().await;
    let schema = app.client.get("schema/").await.expect(200).json;
    assert!(schema["openapi"].as_str().expect("a version").starts_with("3."));
    let paths = schema["paths"].as_object().expect("paths").clone();
    for path in [
        "/api/v1/auth/register/",
        "/api/v1/payments/purchase/",
        "/api/v1/listings/{id}/",
        "/api/v1/payments/deposit/",
        "/api/v1/admin-panel/trades/{id}/refund/",
    ] {
        assert!(
            paths.contains_key(path),
            "{path} is documented: {:?}",
            paths.keys().collect::<Vec<_>>()
        );
    }
    for (path, item) in paths.iter().filter(|(path, _)| !path.contains("webhooks")) {
        for (method, operation) in
            item.as_object().expect("operations").iter().filter(|(name, _)| {
                ["get", "post", "put", "patch", "delete"].contains(&name.as_str())
            })
        {
            let text = |member: &str| operation[member].as_str().unwrap_or_default().len();
            assert!(
                text("summary") + text("description") > 10,
                "{method} {path} says what it does"
            );
            assert!(
                operation["responses"].as_object().is_some_and(|responses| responses.len() > 1),
                "{method} {path} names its errors"
            );
        }
    }
    let docs = app.client.get("docs/").await.expect(200);
    assert!(
        docs.text.contains("<html")
            || docs.text.contains("<!doctype")
            || docs.text.contains("<!DOCTYPE")
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_carry_the_security_headers_and_cors_admits_the_frontend_alone() {
    let app = TestApp::start().await;
    let headers = app.client.get("games/").await.expect(200).headers;
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(
        headers.contains_key("content-security-policy") && headers.contains_key("referrer-policy")
    );
    for (origin, admitted) in [
        ("http://localhost:5173", true),
        ("http://localhost:5173.evil.com", false),
        ("null", false),
        ("https://localhost:5173", false),
    ] {
        let reply = app
            .client
            .send(app.client.request(Method::GET, "games/").header("Origin", origin))
            .await;
        assert_eq!(reply.headers.contains_key("access-control-allow-origin"), admitted, "{origin}");
    }
    app.finish().await;
}
