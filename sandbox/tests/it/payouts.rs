//! Multicard's payouts: what may be known of them, and when.

use sandbox::{Call, Effect, End, Order, Payout, Reply, SANDBOX_HUMO, SANDBOX_UZCARD, Status};
use serde_json::{Value, json};

use crate::platform::World;

fn payout(id: &str, amount: i64) -> Value {
    json!({ "card": { "pan": SANDBOX_HUMO }, "amount": amount, "store_id": 40001, "invoice_id": id,
        "device_details": { "ip": "127.0.0.1", "user_agent": "tests" } })
}

async fn send(world: &World, body: Value) -> Result<(u16, Value), String> {
    let token = world.token().await;
    let sent = world.multicard_as(&token, "POST", "payment/credit", body).await;
    sent.map_err(|error| if error.is_timeout() { "timeout".into() } else { "cut".into() })
}

async fn listed(world: &World, id: &str) -> Option<String> {
    let path = "payment/store/40001/credit-history?offset=0&limit=100";
    let (_, body) = world.multicard("GET", path, Value::Null).await;
    let list = body["data"]["list"].as_array().expect("a list").clone();
    let row = list.into_iter().find(|row| row["invoice_id"] == id)?;
    assert_eq!(row["store_invoice_id"], id);
    row["status"].as_str().map(str::to_owned)
}

fn only(world: &World) -> Payout {
    let payouts = world.sandbox.multicard().payouts();
    assert_eq!(payouts.len(), 1, "{payouts:?}");
    payouts.into_iter().next().expect("one")
}

#[tokio::test]
async fn a_payout_is_done_at_once_and_found_by_both_ids() {
    let world = World::start().await;
    let before = world.sandbox.multicard().wallet();
    let (status, body) = send(&world, payout("w-1", 500_000)).await.expect("answers");
    assert_eq!((status, &body["data"]["status"]), (200, &json!("success")));
    assert_eq!(body["data"]["card_pan"], "986000******2222");
    let path = format!("payment/credit/{}", body["data"]["uuid"].as_str().expect("a uuid"));
    let (_, again) = world.multicard("GET", &path, Value::Null).await;
    assert_eq!(again["data"]["store_invoice_id"], "w-1");
    assert_eq!(listed(&world, "w-1").await.as_deref(), Some("success"));
    assert_eq!(world.sandbox.multicard().wallet(), before - 500_000);
    assert_eq!(only(&world).asked, 2);
    assert_eq!(world.multicard("GET", "payment/credit/unknown", Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_payout_that_cannot_be_is_refused_and_nothing_moves() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    let before = multicard.wallet();
    let with = |name: &str, value: Value| {
        let mut body = payout("w-1", 500_000);
        body[name] = value;
        body
    };
    for (body, code) in [
        (with("card", json!({ "pan": "4111111111111111" })), "ERROR_CARD_NOT_FOUND"),
        (with("card", json!({})), "ERROR_FIELDS"),
        (with("card", json!({ "pan": SANDBOX_UZCARD, "token": "x" })), "ERROR_FIELDS"),
        (with("store_id", json!("6")), "ERROR_FIELDS"),
        (with("amount", json!("500000")), "ERROR_FIELDS"),
        (with("amount", json!(1_000_000_001)), "ERROR_FIELDS"),
        (with("invoice_id", Value::Null), "ERROR_FIELDS"),
    ] {
        let (status, answer) = send(&world, body).await.expect("answers");
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(code)), "{answer}");
    }
    multicard.set_wallet(100);
    assert_eq!(send(&world, payout("w-1", 101)).await.expect("answers").0, 400);
    assert_eq!((multicard.payouts().len(), multicard.wallet()), (0, 100));
    multicard.set_wallet(before);
    let mut large = payout("w-1", 1_000_000_001);
    large["kyc_data"] = json!({ "last_name": "BOLTAYEV" });
    assert_eq!(send(&world, large).await.expect("answers").0, 200);
}

#[tokio::test]
async fn a_repeated_id_is_refused_unless_it_was_ordered() {
    let world = World::start().await;
    send(&world, payout("w-1", 100)).await.expect("answers");
    let (status, answer) = send(&world, payout("w-1", 100)).await.expect("answers");
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("ERROR_FIELDS")));
    world.sandbox.multicard().order(Order::on(Call::CreateCredit).effect(Effect::AcceptsDuplicate));
    assert_eq!(send(&world, payout("w-1", 100)).await.expect("answers").0, 200);
    assert_eq!(world.sandbox.multicard().payouts().len(), 2);
}

#[tokio::test]
async fn an_answer_that_never_comes_may_mean_either() {
    for (reply, effect, heard, known) in [
        (Reply::Silence, Effect::Nothing, "timeout", None),
        (Reply::Silence, Effect::Normal, "timeout", Some("success")),
        (Reply::Cut, Effect::Nothing, "cut", None),
        (Reply::Cut, Effect::Normal, "cut", Some("success")),
        (Reply::Silence, Effect::Fails, "timeout", Some("error")),
    ] {
        let world = World::start().await;
        let order = Order::on(Call::CreateCredit).reply(reply).effect(effect);
        world.sandbox.multicard().order(order.clone());
        assert_eq!(send(&world, payout("w-1", 100)).await, Err(heard.to_owned()), "{order:?}");
        assert_eq!(listed(&world, "w-1").await.as_deref(), known, "{order:?}");
    }
}

#[tokio::test]
async fn an_unknown_debit_is_known_later() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    let before = multicard.wallet();
    for (id, end, expected) in [("w-1", End::Success, "success"), ("w-2", End::Error, "error")] {
        let effect = Effect::SettlesAfter { asks: 2, end };
        multicard.order(Order::on(Call::CreateCredit).reply(Reply::DebitUnknown).effect(effect));
        let (status, answer) = send(&world, payout(id, 100)).await.expect("answers");
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("ERROR_DEBIT_UNKNOWN")));
        assert_eq!(listed(&world, id).await.as_deref(), Some("progress"));
        assert_eq!(listed(&world, id).await.as_deref(), Some(expected));
    }
    assert_eq!(multicard.wallet(), before - 100, "what failed came back");
    assert_eq!(multicard.asked(Call::CreateCredit), 2);
}

#[tokio::test]
async fn a_payout_waits_for_its_code_or_for_somebody() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    let mut body = payout("w-1", 100);
    body["confirmable"] = json!(true);
    let (_, answer) = send(&world, body).await.expect("answers");
    assert_eq!(answer["data"]["status"], "draft");
    let path = format!("payment/credit/{}", answer["data"]["uuid"].as_str().expect("a uuid"));
    let (status, _) = world.multicard("PUT", &path, json!({ "otp": "000000" })).await;
    assert_eq!(status, 400);
    multicard.order(Order::on(Call::ConfirmCredit).effect(Effect::Waits));
    let (_, answer) = world.multicard("PUT", &path, json!({ "otp": "112233" })).await;
    assert_eq!(answer["data"]["status"], "progress");
    let (status, _) = world.multicard("PUT", &path, json!({ "otp": "112233" })).await;
    assert_eq!(status, 400, "it is confirmed");
    let uuid = only(&world).uuid;
    multicard.settle(&uuid, End::Success).expect("waits");
    multicard.settle(&uuid, End::Success).expect("has ended so");
    multicard.settle(&uuid, End::Error).expect_err("has ended");
    assert_eq!(only(&world).status, Status::Success);
}

#[tokio::test]
async fn orders_are_taken_over_http_too() {
    let world = World::start().await;
    let control = format!("{}/_control", world.sandbox.multicard().base_url());
    let say = |body: Value| {
        let request = world.http.post(&control).json(&body);
        async move { request.send().await.expect("answers").status().as_u16() }
    };
    assert_eq!(say(json!({ "order": { "on": "create_credit", "effect": "waits" } })).await, 200);
    assert_eq!(say(json!({ "order": { "on": "create_credit", "times": 0 } })).await, 400);
    assert_eq!(say(json!({ "order": { "on": "nothing" } })).await, 400);
    assert_eq!(say(json!({ "mode": "webhooks" })).await, 200);
    assert_eq!(world.sandbox.multicard().mode(), sandbox::Mode::Webhooks);
    send(&world, payout("w-1", 100)).await.expect("answers");
    let uuid = only(&world).uuid;
    assert_eq!(say(json!({ "settle": { "payout": uuid, "end": "error" } })).await, 200);
    assert_eq!(say(json!({ "settle": { "payout": uuid, "end": "success" } })).await, 400);
    let state: Value = world.http.get(&control).send().await.unwrap().json().await.unwrap();
    assert_eq!(state["payouts"][0]["status"], "error");
}
