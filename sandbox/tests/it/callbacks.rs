//! Multicard's callbacks, in both modes, and what hangs on their answers.

use std::time::Duration;

use sandbox::{Call, Mode, Order, Reply, SANDBOX_HUMO, SANDBOX_UZCARD, Status};
use serde_json::{Value, json};

use crate::platform::World;

#[tokio::test]
async fn a_success_callback_is_signed_and_confirms_the_payment() {
    let world = World::start_with(|settings| {
        settings.multicard_store = "6".to_owned();
        settings.multicard_callback_secret = Some("mcSecret01".to_owned());
    })
    .await;
    let body = json!({ "store_id": 6, "amount": 100_000, "invoice_id": "order-77",
        "callback_url": world.callback_url(), "ofd": [] });
    let (_, body) = world.multicard("POST", "payment/invoice", body).await;
    let uuid = body["data"]["uuid"].as_str().expect("a uuid").to_owned();
    let payment = world.sandbox.multicard().pay(&uuid, SANDBOX_UZCARD).await.expect("pays");
    assert_eq!((payment.status, payment.uuid.as_str()), (Status::Success, uuid.as_str()));
    let heard = &world.heard()[0];
    assert!(heard.content_type.starts_with("application/json"));
    let told = heard.json();
    // The vector of the documentation.
    assert_eq!(told["sign"], "526f2cacd74885184003b6d88a422281");
    assert_eq!((&told["store_id"], &told["amount"]), (&json!(6), &json!(100_000)));
    assert_eq!((&told["ps"], &told["card_pan"]), (&json!("uzcard"), &json!("860053******8829")));
    assert_eq!(told["uuid"], json!(uuid));
    assert!(told.get("status").is_none(), "its arrival means success");
}

#[tokio::test]
async fn a_success_callback_that_is_not_taken_gives_the_money_back() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    for (status, body) in [(500, "down"), (201, "{\"success\":true}"), (409, "paid by another")] {
        let invoice = world.invoice(&format!("order-{status}"), 100_000).await;
        world.answer(status, body);
        let payment = multicard.pay(&invoice, SANDBOX_UZCARD).await.expect("the card is fine");
        assert_eq!(payment.status, Status::Revert, "{status}");
        assert_eq!((payment.refunded, world.status(&invoice).await.as_str()), (100_000, "revert"));
        assert!(payment.callback_message.expect("a reason").contains(&status.to_string()));
    }
    let invoice = world.invoice("silent", 100_000).await;
    world.sandbox.move_platform("http://127.0.0.1:1");
    let payment = multicard.pay(&invoice, SANDBOX_UZCARD).await.expect("the card is fine");
    assert_eq!(payment.status, Status::Revert, "nobody listens");
}

#[tokio::test]
async fn a_callback_can_be_lost_forged_late_and_untrue() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    let order = || Order::on(Call::Callback);
    let invoice = |id: &'static str| world.invoice(id, 100_000);

    multicard.order(order().reply(Reply::Silence));
    let paid = multicard.pay(&invoice("lost").await, SANDBOX_UZCARD).await.expect("pays");
    assert_eq!(
        (paid.status, world.heard().len()),
        (Status::Success, 0),
        "paid, and nobody was told"
    );

    multicard.order(order().reply(Reply::Garbage));
    multicard.pay(&invoice("forged").await, SANDBOX_UZCARD).await.expect("pays");
    assert_eq!(world.heard()[0].json()["sign"], "0".repeat(32));

    multicard.order(order().reply(Reply::Says { status: None, amount: Some(1) }));
    multicard.pay(&invoice("untrue").await, SANDBOX_UZCARD).await.expect("pays");
    assert_eq!(world.heard()[1].json()["amount"], 1);

    multicard.order(order().reply(Reply::Late { millis: 200 }));
    let late = invoice("late").await;
    let paid = multicard.pay(&late, SANDBOX_UZCARD).await.expect("pays");
    assert_eq!((paid.status, world.heard().len()), (Status::Billing, 2), "not told yet");
    assert_eq!(world.status(&late).await, "billing");
    while world.status(&late).await == "billing" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!((world.status(&late).await.as_str(), world.heard().len()), ("success", 3));
}

#[tokio::test]
async fn webhooks_tell_every_change_and_are_repeated_five_times() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    multicard.switch(Mode::Webhooks);
    let invoice = world.invoice("order-77", 100_000).await;
    world.answer(204, "");
    for _ in 0..2 {
        world.answer(500, "down");
    }
    let payment = multicard.pay(&invoice, SANDBOX_HUMO).await.expect("pays");
    assert_eq!(payment.status, Status::Success);
    let told: Vec<_> = world.heard().iter().map(|call| call.json()["status"].clone()).collect();
    assert_eq!(told, ["progress", "success", "success", "success"]);
    let last = world.heard().pop().expect("a call").json();
    assert_eq!(last["sign"].as_str().map(str::len), Some(40));
    assert_eq!((&last["ps"], last.get("store_id")), (&json!("humo"), None));

    world.multicard("DELETE", &format!("payment/{invoice}"), Value::Null).await;
    while world.heard().len() < 5 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.heard()[4].json()["status"], "revert");

    for _ in 0..100 {
        world.answer(503, "down");
    }
    let deaf = world.invoice("deaf", 100_000).await;
    let payment = multicard.decline(&deaf, SANDBOX_HUMO).await.expect("declines");
    assert_eq!(payment.status, Status::Error);
    assert_eq!(world.heard().len(), 5 + 6, "once, and five times more");
}

#[tokio::test]
async fn a_paid_invoice_can_be_paid_again_under_another_id() {
    let world = World::start().await;
    let multicard = world.sandbox.multicard();
    let invoice = world.invoice("order-77", 100_000).await;
    let first = multicard.pay(&invoice, SANDBOX_UZCARD).await.expect("pays");
    multicard.pay(&invoice, SANDBOX_UZCARD).await.expect_err("it is paid");
    world.answer(409, "paid by another");
    let second = multicard.pay_again(&invoice, SANDBOX_HUMO).await.expect("pays");
    assert_ne!(first.uuid, second.uuid);
    assert_eq!(
        (second.status, world.status(&first.uuid).await.as_str()),
        (Status::Revert, "success")
    );
    assert!(multicard.call_back(&first.uuid).await.expect("there is one"));
    let uuids: Vec<_> = world.heard().iter().map(|call| call.json()["uuid"].clone()).collect();
    assert_eq!(uuids, [first.uuid.as_str(), second.uuid.as_str(), first.uuid.as_str()]);
    assert_eq!(world.sandbox.calls().len(), 3);
}
