//! Payme's Merchant API, as Payme speaks it: the sandbox's checklist in order, every replay, and whatever else arrives.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Payme, Person, TestApp};

const SOUM: i64 = 50_000;
const TIYIN: i64 = SOUM * 100;

struct Order {
    id: String,
    person: Person,
}

async fn order(app: &TestApp) -> Order {
    let person = app.person("payer").await;
    let reply = person
        .client
        .post("payments/deposit/", json!({ "amount": SOUM, "payment_method": "payme" }))
        .await
        .expect(201);
    Order { id: reply.text_at("/id").to_owned(), person }
}

fn account(order: &str) -> Value {
    json!({ "order_id": order })
}

fn create(id: &str, order: &str, amount: i64) -> Value {
    json!({ "id": id, "time": Payme::now_ms(), "amount": amount, "account": account(order) })
}

fn code(answer: &Value) -> i64 {
    answer.pointer("/error/code").and_then(Value::as_i64).unwrap_or_default()
}

#[track_caller]
fn is_account_error(answer: &Value) {
    assert!((-31_099..=-31_050).contains(&code(answer)), "{answer}");
    for language in ["ru", "uz", "en"] {
        assert!(
            answer["error"]["message"][language].as_str().is_some_and(|text| !text.is_empty()),
            "{answer}"
        );
    }
    assert_eq!(answer["error"]["data"], "order_id", "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sandbox_checklist_passes_in_its_order() {
    let app = TestApp::start().await;
    let (payme, wrong) = (app.payme(), Payme::new(&app.client, "wrong"));
    let first = order(&app).await;
    let id = Payme::transaction_id();
    for method in [
        "CheckPerformTransaction",
        "CreateTransaction",
        "PerformTransaction",
        "CancelTransaction",
        "CheckTransaction",
        "GetStatement",
    ] {
        assert_eq!(
            code(&wrong.call(method, json!({})).await),
            -32_504,
            "1: {method} with wrong authorization"
        );
    }
    for (method, amount) in
        [("CheckPerformTransaction", TIYIN / 100), ("CreateTransaction", TIYIN + 1)]
    {
        assert_eq!(
            code(&payme.call(method, create(&id, &first.id, amount)).await),
            -31_001,
            "2: {method} with a wrong amount"
        );
        let nobody = uuid::Uuid::new_v4().to_string();
        is_account_error(&payme.call(method, create(&id, &nobody, TIYIN)).await);
        is_account_error(&payme.call(method, create(&id, "197", TIYIN)).await);
    }
    the_unpaid_scenario(&app, &payme, &first, &id).await;
    the_paid_scenario(&app, &payme, &order(&app).await).await;
    app.finish().await;
}

/// Steps 4 and 5 of the sandbox, or 7 and 8 on the second order: a payment begins, and another one does not.
async fn a_payment_begins(payme: &Payme, order: &Order, id: &str, steps: [&str; 5]) {
    let [check, create_step, replay, look, another] = steps;
    let params = json!({ "amount": TIYIN, "account": account(&order.id) });
    let allowed = payme.call("CheckPerformTransaction", params.clone()).await;
    assert_eq!(allowed["result"]["allow"], true, "{check}: {allowed}");
    let allowed = payme.call("CheckPerformTransaction", params).await;
    assert_eq!(allowed["result"]["allow"], true, "{create_step}: {allowed}");
    let params = create(id, &order.id, TIYIN);
    let created = payme.call("CreateTransaction", params.clone()).await;
    assert_eq!(created["result"]["state"], 1, "{create_step}: {created}");
    assert!(
        created["result"]["transaction"].is_string() && created["result"]["create_time"].is_i64()
    );
    assert_eq!(payme.call("CreateTransaction", params).await, created, "{replay}: byte for byte");
    let checked = payme.call("CheckTransaction", json!({ "id": id })).await;
    let expected = json!({ "create_time": created["result"]["create_time"], "perform_time": 0, "cancel_time": 0,
        "transaction": created["result"]["transaction"], "state": 1, "reason": null });
    assert_eq!(checked["result"], expected, "{look}");
    let busy = create(&Payme::transaction_id(), &order.id, TIYIN);
    let busy = payme.call("CreateTransaction", busy).await;
    assert!(busy.get("result").is_none(), "{another}: {busy}");
    is_account_error(&busy);
}

async fn the_unpaid_scenario(app: &TestApp, payme: &Payme, first: &Order, id: &str) {
    a_payment_begins(payme, first, id, ["4", "5a", "5b", "5c", "5d"]).await;
    let cancelled = payme.call("CancelTransaction", json!({ "id": id, "reason": 3 })).await;
    assert_eq!(cancelled["result"]["state"], -1, "6a: {cancelled}");
    assert_eq!(
        payme.call("CancelTransaction", json!({ "id": id, "reason": 5 })).await,
        cancelled,
        "6a: the first answer stays"
    );
    let checked = payme.call("CheckTransaction", json!({ "id": id })).await;
    assert_eq!(
        (&checked["result"]["state"], &checked["result"]["reason"]),
        (&json!(-1), &json!(3)),
        "6b"
    );
    assert_eq!(
        code(&payme.call("PerformTransaction", json!({ "id": id })).await),
        -31_008,
        "a cancelled payment is not performed"
    );
    assert_eq!(app.available(&first.person).await, "0.00");
}

async fn the_paid_scenario(app: &TestApp, payme: &Payme, second: &Order) {
    let id = Payme::transaction_id();
    a_payment_begins(payme, second, &id, ["7", "8 (5a)", "8 (5b)", "8 (5c)", "8 (5d)"]).await;
    let performed = payme.call("PerformTransaction", json!({ "id": id })).await;
    assert_eq!(performed["result"]["state"], 2, "9a: {performed}");
    assert_eq!(
        payme.call("PerformTransaction", json!({ "id": id })).await,
        performed,
        "9a: byte for byte"
    );
    let checked = payme.call("CheckTransaction", json!({ "id": id })).await;
    assert_eq!(checked["result"]["state"], 2, "9b: {checked}");
    assert_eq!(checked["result"]["perform_time"], performed["result"]["perform_time"], "9b");
    assert_eq!(app.available(&second.person).await, "50000.00");
    is_account_error(
        &payme
            .call(
                "CheckPerformTransaction",
                json!({ "amount": TIYIN, "account": account(&second.id) }),
            )
            .await,
    );
    let cancelled = payme.call("CancelTransaction", json!({ "id": id, "reason": 5 })).await;
    assert_eq!(cancelled["result"]["state"], -2, "10a: {cancelled}");
    assert_eq!(
        payme.call("CancelTransaction", json!({ "id": id, "reason": 5 })).await,
        cancelled,
        "10a: byte for byte"
    );
    let checked = payme.call("CheckTransaction", json!({ "id": id })).await;
    assert_eq!(
        (&checked["result"]["state"], &checked["result"]["reason"]),
        (&json!(-2), &json!(5)),
        "10b: {checked}"
    );
    assert_eq!(
        (&checked["result"]["perform_time"], &checked["result"]["cancel_time"]),
        (&performed["result"]["perform_time"], &cancelled["result"]["cancel_time"]),
        "10b: both stay"
    );
    assert_eq!(app.available(&second.person).await, "0.00");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_replays_of_one_call_have_one_effect_and_one_answer() {
    let app = TestApp::start().await;
    let payme = app.payme();
    let order = order(&app).await;
    let id = Payme::transaction_id();
    for (method, params) in [
        ("CreateTransaction", create(&id, &order.id, TIYIN)),
        ("PerformTransaction", json!({ "id": id })),
        ("CheckTransaction", json!({ "id": id })),
        ("CancelTransaction", json!({ "id": id, "reason": 5 })),
    ] {
        let answers = join_all((0..32).map(|_| payme.call(method, params.clone()))).await;
        assert!(answers[0].get("result").is_some(), "{method}: {}", answers[0]);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{method}: {answers:#?}");
    }
    assert_eq!(
        app.database.number("SELECT count(*) FROM ledger.journal WHERE kind LIKE 'deposit%'").await,
        2,
        "one credit, one reversal"
    );
    assert_eq!(
        app.database.number("SELECT count(*) FROM webhook_calls").await,
        128,
        "every call is recorded"
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_payments_for_one_order_at_once_are_one_payment() {
    let app = TestApp::start().await;
    let payme = app.payme();
    let order = order(&app).await;
    let ids: Vec<_> = (0..16).map(|_| Payme::transaction_id()).collect();
    let answers = join_all(
        ids.iter().map(|id| payme.call("CreateTransaction", create(id, &order.id, TIYIN))),
    )
    .await;
    assert_eq!(
        answers.iter().filter(|answer| answer["result"]["state"] == 1).count(),
        1,
        "{answers:#?}"
    );
    assert!(
        answers
            .iter()
            .filter(|answer| answer.get("error").is_some())
            .all(|answer| code(answer) == -31_099)
    );
    let performed =
        join_all(ids.iter().map(|id| payme.call("PerformTransaction", json!({ "id": id })))).await;
    assert_eq!(performed.iter().filter(|answer| answer["result"]["state"] == 2).count(), 1);
    assert!(
        performed
            .iter()
            .filter(|answer| answer.get("error").is_some())
            .all(|answer| code(answer) == -31_003)
    );
    assert_eq!(app.available(&order.person).await, "50000.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twelve_hours_after_its_creation_a_payment_is_over() {
    let app = TestApp::start().await;
    let payme = app.payme();
    let (late, swept) = (order(&app).await, order(&app).await);
    let (late_id, swept_id) = (Payme::transaction_id(), Payme::transaction_id());
    let params = create(&late_id, &late.id, TIYIN);
    payme.call("CreateTransaction", params.clone()).await;
    payme.call("CreateTransaction", create(&swept_id, &swept.id, TIYIN)).await;
    app.advance("12 hours 1 minute").await;
    assert_eq!(code(&payme.call("PerformTransaction", json!({ "id": late_id })).await), -31_008);
    let checked = payme.call("CheckTransaction", json!({ "id": late_id })).await;
    assert_eq!(
        (&checked["result"]["state"], &checked["result"]["reason"]),
        (&json!(-1), &json!(4)),
        "the cancellation was kept"
    );
    assert_eq!(code(&payme.call("CreateTransaction", params).await), -31_008);
    app.enqueue(shared::jobs::kinds::ExpireDeposits::default()).await;
    app.run_due_jobs().await;
    assert_eq!(app.database.texts("SELECT DISTINCT status FROM transactions").await, ["cancelled"]);
    is_account_error(
        &payme
            .call(
                "CheckPerformTransaction",
                json!({ "amount": TIYIN, "account": account(&swept.id) }),
            )
            .await,
    );
    assert_eq!(app.available(&late.person).await, "0.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_is_spent_is_not_given_back() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    let listing = tests::Story::new(&app).listed(&seller).await;
    let buyer = app.person("buyer").await;
    let deposit = buyer
        .client
        .post("payments/deposit/", json!({ "amount": "100000.00", "payment_method": "payme" }))
        .await
        .expect(201);
    let id = app.payme().pay(deposit.text_at("/id"), 10_000_000).await;
    let buy =
        async { buyer.client.post("payments/purchase/", json!({ "listing_id": listing })).await };
    let cancel =
        async { app.payme().call("CancelTransaction", json!({ "id": id, "reason": 5 })).await };
    let (bought, cancelled) = tokio::join!(buy, cancel);
    match bought.status {
        201 => assert_eq!(code(&cancelled), -31_007, "{cancelled}"),
        402 => assert_eq!(cancelled["result"]["state"], -2, "{cancelled}"),
        other => panic!("{other}: {}", bought.text),
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_statement_is_by_paymes_time_and_in_its_order() {
    let app = TestApp::start().await;
    let payme = app.payme();
    let mut ids = Vec::new();
    for (time, _) in [(3_000, ()), (1_000, ()), (2_000, ()), (4_000, ())] {
        let order = order(&app).await;
        let id = Payme::transaction_id();
        let base = Payme::now_ms() / 1_000_000 * 1_000_000;
        let params = json!({ "id": id, "time": base + time, "amount": TIYIN, "account": account(&order.id) });
        assert_eq!(payme.call("CreateTransaction", params).await["result"]["state"], 1);
        ids.push((base + time, id));
    }
    ids.sort();
    let (from, to) = (ids[0].0, ids[2].0);
    let statement = payme.call("GetStatement", json!({ "from": from, "to": to })).await;
    let rows = statement["result"]["transactions"].as_array().expect("rows").clone();
    assert_eq!(
        rows.iter().map(|row| row["id"].as_str().unwrap_or_default()).collect::<Vec<_>>(),
        ids[..3].iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>()
    );
    for member in [
        "time",
        "amount",
        "account",
        "create_time",
        "perform_time",
        "cancel_time",
        "transaction",
        "state",
        "reason",
        "receivers",
    ] {
        assert!(rows[0].get(member).is_some(), "{member} is in {}", rows[0]);
    }
    let empty = payme.call("GetStatement", json!({ "from": 1, "to": 2 })).await;
    assert_eq!(empty["result"]["transactions"], json!([]));
    assert!(code(&payme.call("GetStatement", json!({ "from": 2, "to": 1 })).await) != 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payme_gets_its_own_protocol_whatever_arrives() {
    let app = TestApp::start().await;
    let payme = app.payme();
    let deposit = order(&app).await;
    for (body, expected) in [
        ("".to_owned(), -32_700),
        ("{".to_owned(), -32_700),
        ("{\"method\": \"CheckTransaction\", \"params\": {\"id\": \"\\ud800\"}}".to_owned(), -32_700),
        ("[".repeat(5_000), -32_700),
        ("[]".to_owned(), -32_600),
        ("null".to_owned(), -32_600),
        ("{}".to_owned(), -32_600),
        (json!({ "method": 7, "params": {} }).to_string(), -32_600),
        (json!({ "method": "CheckTransaction" }).to_string(), -32_600),
        (json!({ "method": "CheckTransaction", "params": {} }).to_string(), -32_600),
        (json!({ "method": "CheckTransaction", "params": { "id": 5 } }).to_string(), -32_600),
        (json!({ "method": "CheckPerformTransaction", "params": { "amount": "500000", "account": account(&deposit.id) } }).to_string(), -32_600),
        (json!({ "method": "CheckPerformTransaction", "params": { "amount": 5_000_000.5, "account": account(&deposit.id) } }).to_string(), -32_600),
        (json!({ "method": "Nonsense", "params": {} }).to_string(), -32_601),
        (json!({ "method": "ChangePassword", "params": { "password": "new" } }).to_string(), -32_601),
        (json!({ "method": "PerformTransaction", "params": { "id": "0".repeat(24) } }).to_string(), -31_003),
        (json!({ "method": "CancelTransaction", "params": { "id": "0".repeat(24), "reason": 1 } }).to_string(), -31_003),
        (json!({ "method": "CheckTransaction", "params": { "id": "0".repeat(24) } }).to_string(), -31_003),
    ] {
        let shown: String = body.chars().take(120).collect();
        assert_eq!(code(&payme.raw(body).await), expected, "{shown}");
    }
    assert_eq!(payme.call("Nonsense", json!({})).await["error"]["data"], "Nonsense");
    assert_eq!(
        payme
            .raw(json!({ "method": "CheckTransaction", "params": {}, "id": "text" }).to_string())
            .await["id"],
        "text"
    );
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let reply = app
            .client
            .send(app.client.request(method.clone(), "payments/webhooks/payme/"))
            .await
            .expect(200);
        assert_eq!(code(&reply.json), -32_300, "{method}");
    }
    for authorization in
        ["", "Basic", "Basic !!!", "Bearer x", "Basic UGF5Y29tOndyb25n", "Basic Og=="]
    {
        let request = app
            .client
            .request(Method::POST, "payments/webhooks/payme/")
            .header("Authorization", authorization)
            .body("{}");
        let reply = app.client.send(request).await.expect(200);
        assert_eq!(code(&reply.json), -32_504, "{authorization:?}");
    }
    let huge = payme.raw(format!("{{\"method\": \"{}\"}}", "x".repeat(200_000))).await;
    assert!(code(&huge) < 0, "a huge body is answered in the protocol");
    assert_eq!(app.available(&deposit.person).await, "0.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_deposit_of_this_provider_is_payable_and_secrets_are_not_recorded() {
    let app = TestApp::start().await;
    let deal = tests::Story::new(&app).paid().await;
    for transaction in
        app.database.texts("SELECT id FROM transactions WHERE type <> 'deposit'").await
    {
        is_account_error(
            &app.payme()
                .call(
                    "CheckPerformTransaction",
                    json!({ "amount": 10_000_000, "account": account(&transaction) }),
                )
                .await,
        );
    }
    app.database.execute("UPDATE payment_methods SET is_active = false WHERE code = 'payme'").await;
    deal.buyer
        .client
        .post("payments/deposit/", json!({ "amount": SOUM, "payment_method": "payme" }))
        .await
        .expect_error(400, "VALIDATION_ERROR");
    let recorded = app.database.texts("SELECT w FROM webhook_calls w").await;
    assert!(!recorded.is_empty());
    assert!(
        !recorded.iter().any(|row| row.contains("test-payme-key") || row.contains("Basic ")),
        "a secret was recorded"
    );
    app.finish().await;
}
