//! Multicard's invoices and payments.

use sandbox::{Call, Effect, Order, Reply, SANDBOX_HUMO, SANDBOX_UZCARD, Status};
use serde_json::{Value, json};

use crate::platform::World;

#[tokio::test]
async fn nobody_is_let_in_without_a_token() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    let get =
        |token: &'static str| world.multicard_as(token, "GET", "payment/application", Value::Null);
    assert_eq!(get("made-up").await.expect("answers").0, 401);
    let token = world.token().await;
    let application = world.multicard_as(&token, "GET", "payment/application", Value::Null).await;
    let (status, body) = application.expect("answers");
    assert_eq!((status, body["data"]["wallet_sum"].as_i64()), (200, Some(multicard.wallet())));
    multicard.expire_tokens();
    let late = world.multicard_as(&token, "GET", "payment/application", Value::Null).await;
    assert_eq!(late.expect("answers").0, 401);

    let auth = format!("{}/auth", multicard.base_url());
    let wrong = json!({ "application_id": "sandbox-multicard", "secret": "guessed" });
    let answer = world.http.post(auth).json(&wrong).send().await.expect("answers");
    assert_eq!(answer.status(), 400);
    let foreign = world.http.get(format!("{}/payment/application", multicard.base_url()));
    let answer = foreign.header("X-Access-Token", world.token().await).send().await;
    assert_eq!(answer.expect("answers").status(), 403);
}

#[tokio::test]
async fn an_invoice_says_what_is_missing() {
    let world = World::start().await;
    let whole = json!({ "store_id": "40001", "amount": 500_000, "invoice_id": "order-77",
        "callback_url": world.callback_url(), "ofd": [], "ttl": 60, "lang": "uz" });
    for (name, value) in [
        ("store_id", json!(6)),
        ("amount", json!("500000")),
        ("amount", json!(0)),
        ("amount", json!(1.5)),
        ("invoice_id", json!("")),
        ("invoice_id", json!("x".repeat(256))),
        ("callback_url", Value::Null),
        ("ofd", Value::Null),
        ("ttl", json!(-1)),
        ("lang", json!("fr")),
    ] {
        let mut body = whole.clone();
        body[name] = value;
        let (status, answer) = world.multicard("POST", "payment/invoice", body).await;
        assert_eq!((status, answer["success"].as_bool()), (400, Some(false)), "{name}: {answer}");
        assert_eq!(answer["error"]["code"], "ERROR_FIELDS", "{name}");
    }
    assert!(world.sandbox.multicard().invoices().is_empty());
    let (status, answer) = world.multicard("POST", "payment/invoice", whole).await;
    assert_eq!(status, 200, "{answer}");
    let data = &answer["data"];
    assert_eq!((&data["store_id"], &data["amount"]), (&json!(40001), &json!(500_000)));
    assert_eq!(
        (&data["invoice_id"], &data["payment"]["status"]),
        (&json!("order-77"), &json!("draft"))
    );
    assert!(data["checkout_url"].as_str().expect("a link").starts_with(world.sandbox.url()));
}

#[tokio::test]
async fn an_invoice_can_be_withdrawn_until_it_is_paid() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    let (open, paid) = (world.invoice("open", 100_000).await, world.invoice("paid", 100_000).await);
    multicard.pay(&paid, SANDBOX_UZCARD).await.expect("pays");

    let (status, body) =
        world.multicard("DELETE", &format!("payment/invoice/{paid}"), Value::Null).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("ERROR_FIELDS")));
    let (status, _) =
        world.multicard("DELETE", &format!("payment/invoice/{open}"), Value::Null).await;
    assert_eq!(status, 200);
    for method in ["DELETE", "GET"] {
        let path = format!("payment/invoice/{open}");
        let (status, body) = world.multicard(method, &path, Value::Null).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!("ERROR_TRANS_NOT_READY")));
    }
    let problem = multicard.pay(&open, SANDBOX_UZCARD).await.expect_err("withdrawn");
    assert_eq!(problem.code, "ERROR_TRANS_NOT_READY");
    let (status, body) = world.multicard("GET", "payment/invoice/unknown", Value::Null).await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("ERROR_NOT_FOUND")));
}

#[tokio::test]
async fn an_invoice_expires_by_the_providers_clock() {
    let world = World::start().await;
    let invoice = world.invoice("order-77", 100_000).await;
    world.sandbox.advance(std::time::Duration::from_secs(86_401));
    let problem =
        world.sandbox.multicard().pay(&invoice, SANDBOX_UZCARD).await.expect_err("too late");
    assert_eq!(problem.code, "ERROR_TRANS_NOT_READY");
    let (status, _) =
        world.multicard("GET", &format!("payment/invoice/{invoice}"), Value::Null).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_payment_is_given_back_whole_or_in_parts_and_no_more() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    let invoice = world.invoice("order-77", 100_000).await;
    let payment = multicard.pay(&invoice, SANDBOX_HUMO).await.expect("pays");
    assert_eq!(payment.status, Status::Success);
    let part = |amount: i64| {
        let path = format!("payment/{invoice}/partial");
        let world = &world;
        async move { world.multicard("DELETE", &path, json!({ "refund_amount": amount })).await }
    };
    assert_eq!(part(40_000).await.0, 200);
    assert_eq!(world.status(&invoice).await, "success");
    assert_eq!(part(60_001).await.1["error"]["code"], "ERROR_FIELDS");
    let (status, body) =
        world.multicard("DELETE", &format!("payment/{invoice}"), Value::Null).await;
    assert_eq!((status, &body["data"]["status"]), (200, &json!("revert")));
    assert_eq!(multicard.payments()[0].refunded, 100_000);
    let (status, body) =
        world.multicard("DELETE", &format!("payment/{invoice}"), Value::Null).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("ERROR_TRANS_NOT_READY")));
}

#[tokio::test]
async fn the_history_lists_what_was_paid_and_when() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    for (id, card) in [("one", SANDBOX_UZCARD), ("two", SANDBOX_HUMO)] {
        let invoice = world.invoice(id, 100_000).await;
        multicard.pay(&invoice, card).await.expect("pays");
    }
    world.invoice("never-paid", 1).await;
    let ids = |query: &'static str| {
        let world = &world;
        async move {
            let path = format!("payment/store/40001/history?{query}");
            let (_, body) = world.multicard("GET", &path, Value::Null).await;
            let list = body["data"]["list"].as_array().expect("a list").clone();
            list.iter()
                .map(|row| row["store_invoice_id"].as_str().expect("an id").to_owned())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(ids("offset=0&limit=100").await, ["one", "two"]);
    assert_eq!(ids("offset=1&limit=1").await, ["two"]);
    assert_eq!(ids("only_status=revert").await, [""; 0]);
    assert_eq!(ids("start_date=2999-01-01+00:00:00").await, [""; 0]);
    assert_eq!(ids("start_date=2020-01-01&end_date=2020-01-02").await, [""; 0]);
    let (status, _) = world.multicard("GET", "payment/store/6/history", Value::Null).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn every_call_can_be_ordered_to_go_wrong() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    let token = world.token().await;
    let ask = || world.multicard_as(&token, "GET", "payment/application", Value::Null);
    let order = || Order::on(Call::Application);

    multicard.order(order().reply(Reply::Silence));
    assert!(ask().await.expect_err("no answer").is_timeout());
    multicard.order(order().reply(Reply::Cut));
    let error = ask().await.expect_err("cut");
    assert!(!error.is_timeout(), "{error:?}");
    multicard.order(order().reply(Reply::Status(502)));
    let (status, body) = ask().await.expect("answers");
    assert!(status == 502 && body.is_string(), "{body}");
    multicard.order(order().reply(Reply::Garbage));
    let (status, body) = ask().await.expect("answers");
    assert!(status == 200 && body.is_string(), "{body}");
    multicard.order(order().reply(Reply::Refusal("ERROR_UNKNOWN".into())));
    assert_eq!(ask().await.expect("answers").1["error"]["code"], "ERROR_UNKNOWN");
    multicard.order(order().reply(Reply::Late { millis: 300 }));
    let began = std::time::Instant::now();
    assert_eq!(ask().await.expect("answers").0, 200);
    assert!(began.elapsed() >= std::time::Duration::from_millis(300));
    assert!(multicard.orders().is_empty(), "each was for one call");
    assert_eq!(ask().await.expect("answers").0, 200);
    assert_eq!(multicard.asked(Call::Application), 7);

    multicard
        .order(Order::on(Call::Auth).times(2).reply(Reply::Status(503)).effect(Effect::Nothing));
    for expected in [503, 503, 200] {
        let body =
            json!({ "application_id": "sandbox-multicard", "secret": "sandbox-multicard-secret" });
        let answer =
            world.http.post(format!("{}/auth", multicard.base_url())).json(&body).send().await;
        assert_eq!(answer.expect("answers").status(), expected);
    }
}

#[tokio::test]
async fn an_order_can_be_for_one_payment_only() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    let (one, two) = (world.invoice("one", 100_000).await, world.invoice("two", 100_000).await);
    let says = Reply::Says { status: Some(Status::Success), amount: Some(7) };
    multicard.order(Order::on(Call::GetPayment).of("two").reply(says.clone()));
    multicard.order(Order::on(Call::GetInvoice).of(&one).reply(says));
    assert_eq!(world.status(&one).await, "draft");
    assert_eq!(world.status(&two).await, "success");
    assert_eq!(world.status(&two).await, "draft");
    let (_, body) = world.multicard("GET", &format!("payment/invoice/{one}"), Value::Null).await;
    assert_eq!(body["data"]["payment"]["status"], "success", "the lie reaches inside: {body}");
    assert_eq!(
        (&body["data"]["amount"], &body["data"]["payment"]["total_amount"]),
        (&json!(7), &json!(7))
    );
}
