//! What Paynet's web service refuses, and that a refusal changes nothing.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Paynet, Story, TestApp};

const TIYIN: i64 = 5_000_000;

fn code(answer: &Value) -> i64 {
    answer.pointer("/error/code").and_then(Value::as_i64).unwrap_or_default()
}

/// A deposit of 50,000 soum that waits for its payer.
async fn order(app: &TestApp, method: &str) -> String {
    let body = json!({ "amount": 50_000, "payment_method": method });
    let payer = app.person("payer").await;
    payer.client.post("payments/deposit/", body).await.expect(201).text_at("/id").to_owned()
}

/// The codes of asking about an order and of paying it.
async fn codes(paynet: &Paynet, order: &str, tiyin: i64) -> (i64, i64) {
    let asked = paynet.call("GetInformation", json!({ "fields": { "order_id": order } })).await;
    let params = Paynet::perform(Paynet::transaction_id(), order, tiyin);
    (code(&asked), code(&paynet.call("PerformTransaction", params).await))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_paynet_is_401_for_every_method() {
    let app = TestApp::start().await;
    let order = order(&app, "paynet").await;
    let paid = Paynet::new(&app.client).pay(&order, TIYIN).await;
    for stranger in [
        Paynet::with(&app.client, "sandbox-paynet", "wrong"),
        Paynet::with(&app.client, "Paycom", "sandbox-paynet-password"),
        Paynet::with(&app.client, "", ""),
    ] {
        for method in Paynet::METHODS.into_iter().chain(["ChangePassword", "Nonsense"]) {
            let params = Paynet::perform(paid, &order, TIYIN);
            let reply = stranger.reply(method, params).await.expect(401);
            assert_eq!((code(&reply.json), reply.at("/id")), (412, &json!(81)), "{method}");
            let challenge = reply.headers["www-authenticate"].to_str().expect("a text");
            assert!(challenge.starts_with("Basic "), "{challenge}");
        }
        assert_eq!(code(&stranger.raw("{").await.expect(401).json), 412, "before it is read");
        assert_eq!(code(&stranger.raw("x".repeat(70_000)).await.expect(401).json), 412);
    }
    for header in ["", "Basic", "Basic !!!", "Bearer x", "Basic Og=="] {
        let request = app
            .client
            .request(Method::POST, "payments/webhooks/paynet/")
            .header("Authorization", header)
            .body("{}");
        assert_eq!(code(&app.client.send(request).await.expect(401).json), 412, "{header:?}");
    }
    let bare = app.client.request(Method::POST, "payments/webhooks/paynet/").body("{}");
    assert_eq!(code(&app.client.send(bare).await.expect(401).json), 412);
    let kept = "SELECT DISTINCT request - 'bytes' FROM webhook_calls WHERE http_status = 401 AND request ? 'params'";
    assert_eq!(app.database.texts(kept).await, Vec::<String>::new(), "strangers fill no tables");
    app.finish().await;
}

fn call(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":81,"method":"{method}","params":{params}}}"#)
}

fn perform(order: &str, id: &str, amount: &str) -> String {
    let fields = json!({ "order_id": order });
    let params = format!(
        r#"{{"serviceId":30001,"transactionId":{id},"amount":{amount},"fields":{fields}}}"#
    );
    call("PerformTransaction", &params)
}

/// Bodies that are no calls, or calls without what they need, with the code of the answer.
fn malformed(order: &str) -> Vec<(String, i64)> {
    let good = || perform(order, "5", "5000000");
    vec![
        (String::new(), -32_700),
        ("{".to_owned(), -32_700),
        ("serviceId=30001".to_owned(), -32_700),
        ("[".repeat(5_000), -32_700),
        (r#"{"method":"\ud800"}"#.to_owned(), -32_700),
        (format!("{{\"method\": \"{}\"}}", "x".repeat(70_000)), -32_700),
        ("[]".to_owned(), -32_600),
        (format!("[{}]", good()), -32_600),
        ("null".to_owned(), -32_600),
        ("{}".to_owned(), -32_600),
        (good().replace("2.0", "1.0"), -32_600),
        (good().replace("\"id\":81", "\"id\":{}"), -32_600),
        (good().replace(order, "a\\u0000b"), -32_600),
        (call("performtransaction", "{}"), -32_601),
        (call("ChangePassword", r#"{"newPassword":"another"}"#), -32_601),
        (call("PerformTransaction", "[]"), -32_602),
        (call("PerformTransaction", "{}"), 411),
        (call("PerformTransaction", r#"{"serviceId":30001}"#), 411),
        (call("PerformTransaction", r#"{"serviceId":30001,"transactionId":5,"amount":1}"#), 411),
        (
            call(
                "PerformTransaction",
                r#"{"serviceId":30001,"transactionId":5,"amount":1,"fields":[]}"#,
            ),
            -32_602,
        ),
        (
            call(
                "PerformTransaction",
                r#"{"serviceId":30001,"transactionId":5,"amount":1,"fields":{}}"#,
            ),
            411,
        ),
        (call("GetInformation", r#"{"serviceId":30001,"fields":{"phone":"998901112233"}}"#), 411),
        (call("GetInformation", r#"{"serviceId":30001,"fields":{"order_id":[]}}"#), -32_602),
        (call("CheckTransaction", r#"{"serviceId":30001}"#), 411),
        (call("CancelTransaction", r#"{"serviceId":30001,"transactionId":"5"}"#), -32_602),
    ]
}

/// Calls with numbers and services that are none, with the code of the answer.
fn mistyped(order: &str) -> Vec<(String, i64)> {
    let mut hostile = Vec::new();
    for number in ["\"5000000\"", "5000000.0", "5e6", "9223372036854775808", "1e400", "true", "{}"]
    {
        let expected = if number == "1e400" { -32_700 } else { -32_602 };
        hostile.push((perform(order, "5", number), expected));
        hostile.push((perform(order, number, "5000000"), expected));
    }
    for service in ["30002", "\"30002\"", "0", "-30001", "30001.5", "true"] {
        for method in Paynet::METHODS {
            hostile.push((call(method, &format!(r#"{{"serviceId":{service}}}"#)), 305));
        }
    }
    hostile
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paynet_gets_its_own_protocol_whatever_arrives() {
    let app = TestApp::start().await;
    let (paynet, order) = (Paynet::new(&app.client), order(&app, "paynet").await);
    for (body, expected) in malformed(&order).into_iter().chain(mistyped(&order)) {
        let shown: String = body.chars().take(160).collect();
        let reply = paynet.raw(body).await.expect(200);
        assert_eq!(code(&reply.json), expected, "{shown}: {}", reply.text);
        assert_eq!(reply.at("/jsonrpc"), "2.0");
    }
    let invalid_utf8 = paynet.raw(vec![b'{', b'"', 0xff, b'"', b'}']).await.expect(200);
    assert_eq!(code(&invalid_utf8.json), -32_700);
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let request = app.client.request(method.clone(), "payments/webhooks/paynet/");
        let reply = app.client.send(request).await.expect(200);
        assert_eq!(code(&reply.json), -32_300, "{method}");
    }
    assert_eq!(app.database.number("SELECT count(*) FROM paynet_transactions").await, 0);
    let spaced = call(" CheckTransaction ", r#"{"serviceId":"30001","transactionId":5}"#);
    let reply = paynet.raw(spaced).await.expect(200);
    assert_eq!(reply.at("/result/transactionState"), 3, "a stray space was seen in the wild");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_waiting_deposit_of_paynet_is_payable() {
    let app = TestApp::start().await;
    let paynet = Paynet::new(&app.client);
    let waiting = order(&app, "paynet").await;
    for (amount, expected) in [
        (50_000, 413),
        (TIYIN - 1, 413),
        (TIYIN + 1, 413),
        (0, 413),
        (-TIYIN, 413),
        (10_000_000_001, 415),
        (i64::MAX, 415),
    ] {
        assert_eq!(codes(&paynet, &waiting, amount).await, (0, expected), "{amount}");
    }
    let nobody = uuid::Uuid::new_v4().to_string();
    for unknown in ["", "197", "'; DROP TABLE users; --", nobody.as_str()] {
        assert_eq!(codes(&paynet, unknown, TIYIN).await, (302, 302), "{unknown}");
    }
    let foreign = order(&app, "payme").await;
    assert_eq!(codes(&paynet, &foreign, TIYIN).await, (302, 302), "another provider's");
    let deal = Story::new(&app).paid().await;
    let movements = "SELECT id FROM transactions WHERE type <> 'deposit'";
    for movement in app.database.texts(movements).await {
        assert_eq!(codes(&paynet, &movement, 10_000_000).await, (302, 302), "no deposit");
    }
    let cancelled = order(&app, "paynet").await;
    app.database
        .execute(&format!("UPDATE transactions SET status = 'cancelled' WHERE id = '{cancelled}'"))
        .await;
    assert_eq!(codes(&paynet, &cancelled, TIYIN).await, (302, 302), "cancelled");
    let dead = order(&app, "paynet").await;
    app.advance("24 hours 1 minute").await;
    assert_eq!(codes(&paynet, &dead, TIYIN).await, (302, 302), "abandoned");
    assert_eq!(app.database.number("SELECT count(*) FROM paynet_transactions").await, 0);
    assert_eq!(app.available(&deal.buyer).await, "0.00");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_is_switched_off_begins_nothing_and_ends_what_began() {
    let app = TestApp::start().await;
    let paynet = Paynet::new(&app.client);
    let (waiting, begun) = (order(&app, "paynet").await, order(&app, "paynet").await);
    let id = paynet.pay(&begun, TIYIN).await;
    let switch = async |on: bool| {
        let body = json!({ "is_active": on });
        let path = "admin-panel/payment-methods/paynet/";
        app.superuser().await.client.patch(path, body).await.expect(200);
    };
    switch(false).await;
    assert_eq!(codes(&paynet, &waiting, TIYIN).await, (100, 100));
    let body = json!({ "amount": 50_000, "payment_method": "paynet" });
    let refused = app.person("payer").await.client.post("payments/deposit/", body).await;
    refused.expect_error(400, "VALIDATION_ERROR");
    let one = json!({ "transactionId": id });
    let replay = Paynet::perform(id, &begun, TIYIN);
    assert_eq!(code(&paynet.call("PerformTransaction", replay).await), 201);
    let checked = paynet.call("CheckTransaction", one.clone()).await;
    assert_eq!(checked["result"]["transactionState"], 1);
    let cancelled = paynet.call("CancelTransaction", one).await;
    assert_eq!(cancelled["result"]["transactionState"], 2, "{cancelled}");
    switch(true).await;
    paynet.pay(&waiting, TIYIN).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_is_paid_through_paynet_and_an_expired_one_is_not() {
    let app = TestApp::start().await;
    let (paynet, seller) = (Paynet::new(&app.client), app.person("seller").await);
    let story = Story::new(&app);
    let listing = story.listed(&seller).await;
    let other = story.listed(&app.person("rival").await).await;
    let buyer = app.person("buyer").await;
    let begin = async |listing: &str| {
        let body = json!({ "listing_id": listing, "payment_method": "paynet" });
        buyer.client.post("payments/purchase/", body).await.expect(201)
    };
    let (deal, late) = (begin(&listing).await, begin(&other).await);
    let order = deal.text_at("/transaction_id");
    assert!(deal.text_at("/payment_url").contains(&format!("c={order}&a=10000000")));
    paynet.pay(order, 10_000_000).await;
    let path = format!("payments/escrow/{}/", deal.text_at("/id"));
    assert_eq!(buyer.client.get(&path).await.expect(200).text_at("/status"), "paid");
    assert_eq!(app.available(&buyer).await, "0.00");

    app.advance("30 minutes 1 second").await;
    app.run_due_jobs().await;
    let order = late.text_at("/transaction_id");
    assert_eq!(codes(&paynet, order, 10_000_000).await, (302, 302), "the deal waits no more");

    for step in ["seller-confirm-trade/", "buyer-confirm/"] {
        let person = if step.starts_with("seller") { &seller } else { &buyer };
        person.client.post_empty(&format!("{path}{step}")).await.expect(200);
    }
    app.advance("24 hours 1 second").await;
    app.run_due_jobs().await;
    assert_eq!(app.available(&seller).await, "90000.00", "less the commission");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_is_on_record_and_no_secret_is() {
    let app = TestApp::start().await;
    let (paynet, order) = (Paynet::new(&app.client), order(&app, "paynet").await);
    let id = paynet.pay(&order, TIYIN).await;
    let fields = json!({ "order_id": order, "card": "8600123412341234" });
    let params =
        json!({ "transactionId": id, "amount": TIYIN, "fields": fields, "password": "hidden-one" });
    assert_eq!(code(&paynet.call("PerformTransaction", params).await), 201);
    paynet.call("ChangePassword", json!({ "newPassword": "hidden-two" })).await;
    let stranger = Paynet::with(&app.client, "hidden-login", "hidden-three");
    stranger.reply("ChangePassword", json!({ "newPassword": "hidden-four" })).await.expect(401);
    paynet.raw("hidden-five").await.expect(200);
    let recorded = app.database.texts("SELECT w FROM webhook_calls w ORDER BY id").await;
    assert_eq!(recorded.len(), 6);
    for secret in ["hidden", "sandbox-paynet-password", "Basic ", "8600123412341234"] {
        assert!(!recorded.iter().any(|row| row.contains(secret)), "{secret} was recorded");
    }
    assert!(recorded[1].contains(&id.to_string()) && recorded[1].contains(&order));
    let statuses = app.database.texts("SELECT http_status FROM webhook_calls ORDER BY id").await;
    assert_eq!(statuses, ["200", "200", "200", "200", "401", "200"]);
    app.finish().await;
}
