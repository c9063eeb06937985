//! Where the money goes: to the deal it was for, or to the balance; never nowhere.

use serde_json::json;
use shared::jobs::kinds::ExpireDeposits;
use tests::{Click, Story, TestApp};

use super::{SOUM, cases, credits, error, order, status};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_paid_by_click_is_paid_by_its_complete() {
    let app = TestApp::start().await;
    let listing = Story::new(&app).listed(&app.person("seller").await).await;
    let buyer = app.person("buyer").await;
    let body = json!({ "listing_id": listing, "payment_method": "click" });
    let reply = buyer.client.post("payments/purchase/", body).await.expect(201);
    let order = reply.text_at("/transaction_id");
    let link = reply.text_at("/payment_url");
    let (page, query) = link.split_once('?').expect("a query");
    assert_eq!(page, "https://my.click.uz/services/pay/");
    let members: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let back = format!("http://localhost:5173/trade/{}", reply.text_at("/id"));
    let expected = [
        ("service_id", "10001"),
        ("merchant_id", "20001"),
        ("amount", "100000.00"),
        ("transaction_param", order),
        ("return_url", &back),
    ];
    assert_eq!(members, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    app.click().pay(order, "100000.00").await;
    let deal = format!("payments/escrow/{}/", reply.text_at("/id"));
    assert_eq!(buyer.client.get(&deal).await.text_at("/status"), "paid");
    assert_eq!(app.available(&buyer).await, "0.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_expired_gets_no_new_payer_and_the_money_of_one_who_had_begun_is_on_the_balance()
 {
    let app = TestApp::start().await;
    let click = app.click();
    let listing = Story::new(&app).listed(&app.person("seller").await).await;
    let buyer = app.person("buyer").await;
    let body = json!({ "listing_id": listing, "payment_method": "click" });
    let reply = buyer.client.post("payments/purchase/", body).await.expect(201);
    let order = reply.text_at("/transaction_id");
    let (number, id) = click.begin(order, "100000").await;
    app.advance("30 minutes 1 second").await;
    app.run_due_jobs().await;
    assert_eq!(error(&click.prepare(Click::number(), order, "100000").await), -9);
    assert_eq!(error(&click.complete(number, order, &id, ("100000", 0)).await), 0);
    assert_eq!(app.available(&buyer).await, "100000.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_for_a_deposit_that_is_over_comes_by_a_deposit_of_its_own() {
    let app = TestApp::start().await;
    let click = app.click();
    let order = order(&app).await;
    let (one, one_id) = click.begin(&order.id, SOUM).await;
    let (two, two_id) = click.begin(&order.id, SOUM).await;
    app.advance("23 hours 59 minutes").await;
    app.enqueue(ExpireDeposits::default()).await;
    app.run_due_jobs().await;
    assert_eq!(status(&app, &order.id).await, "processing", "its time is not over");
    app.advance("2 minutes").await;
    app.enqueue(ExpireDeposits::default()).await;
    app.run_due_jobs().await;
    assert_eq!(status(&app, &order.id).await, "cancelled");
    assert_eq!(error(&click.prepare(Click::number(), &order.id, SOUM).await), -9);
    assert_eq!(error(&click.prepare(one, &order.id, SOUM).await), -9);
    let complete = async |number, id, amount: &str, code| {
        error(&click.complete(number, &order.id, id, (amount, code)).await)
    };
    assert_eq!(complete(one, &one_id, "50001", 0).await, -2);
    assert_eq!(complete(one, &one_id, SOUM, 0).await, 0, "the payer was debited");
    assert_eq!(complete(one, &one_id, SOUM, 0).await, -4);
    assert_eq!(app.available(&order.person).await, "50000.00");
    assert_eq!(status(&app, &order.id).await, "cancelled", "what is final stays");
    let late = "SELECT metadata ->> 'paid_late_for' || ' ' || status FROM transactions WHERE metadata ? 'paid_late_for'";
    assert_eq!(app.database.texts(late).await, [format!("{} completed", order.id)]);
    assert_eq!(cases(&app, &order.id).await, ["paid_late"]);
    assert_eq!(complete(two, &two_id, SOUM, -5017).await, -9, "the other one failed");
    assert_eq!(complete(two, &two_id, SOUM, 0).await, -9, "and stays so");
    assert_eq!(app.available(&order.person).await, "50000.00");
    assert_eq!(credits(&app).await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_nobody_prepared_in_a_day_is_over() {
    let app = TestApp::start().await;
    let order = order(&app).await;
    app.advance("24 hours 1 second").await;
    let prepare = async || error(&app.click().prepare(Click::number(), &order.id, SOUM).await);
    assert_eq!(prepare().await, -9, "also before the sweep");
    app.enqueue(ExpireDeposits::default()).await;
    app.run_due_jobs().await;
    assert_eq!(status(&app, &order.id).await, "cancelled");
    assert_eq!(prepare().await, -9);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_is_switched_off_begins_nothing_and_ends_what_began() {
    let app = TestApp::start().await;
    let click = app.click();
    let (begun, pending) = (order(&app).await, order(&app).await);
    let (number, id) = click.begin(&begun.id, SOUM).await;
    app.database.execute("UPDATE payment_methods SET is_active = false WHERE code = 'click'").await;
    for order in [&begun, &pending] {
        assert_eq!(error(&click.prepare(Click::number(), &order.id, SOUM).await), -9);
    }
    let replay = click.prepare(number, &begun.id, SOUM).await;
    assert_eq!(replay["merchant_prepare_id"], id, "the payer who is about to pay");
    assert_eq!(error(&click.complete(number, &begun.id, &id, (SOUM, 0)).await), 0);
    assert_eq!(app.available(&begun.person).await, "50000.00");
    let body = json!({ "amount": SOUM, "payment_method": "click" });
    begun.person.client.post("payments/deposit/", body).await.expect_error(400, "VALIDATION_ERROR");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_our_side_fails_to_record_is_a_case_and_can_be_repeated() {
    let app = TestApp::start().await;
    let click = app.click();
    let order = order(&app).await;
    let (number, id) = click.begin(&order.id, SOUM).await;
    app.database
        .execute("ALTER TABLE click_payments ADD CONSTRAINT broken CHECK (state <> 'confirmed')")
        .await;
    let complete = async || error(&click.complete(number, &order.id, &id, (SOUM, 0)).await);
    assert_eq!(complete().await, -7, "never a success that is none");
    assert_eq!(complete().await, -7);
    assert_eq!(app.available(&order.person).await, "0.00", "all or nothing");
    assert_eq!(credits(&app).await, 0);
    assert_eq!(cases(&app, &order.id).await, ["not_recorded"], "the payer was debited");
    app.database.execute("ALTER TABLE click_payments DROP CONSTRAINT broken").await;
    assert_eq!(complete().await, 0);
    assert_eq!(app.available(&order.person).await, "50000.00");
    let calls = "SELECT count(*) FROM webhook_calls WHERE method = 'complete'";
    assert_eq!(app.database.number(calls).await, 3, "failures are on record too");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_before_a_rotation_is_accepted_while_it_is_configured() {
    let settings = [("CLICK_SECRET_KEY_PREVIOUS", "the-key-before-it")];
    let app = TestApp::start_with(&settings).await;
    let order = order(&app).await;
    let before = Click::new(&app.client, "the-key-before-it");
    let (number, id) = before.begin(&order.id, SOUM).await;
    let paid = app.click().complete(number, &order.id, &id, (SOUM, 0)).await;
    assert_eq!(error(&paid), 0, "{paid}");
    app.finish().await;
}
