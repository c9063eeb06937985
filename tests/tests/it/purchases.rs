//! Purchases: who gets the listing, what it takes, and who sees what was sold.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Story, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_buyers_race_for_one_listing_and_one_gets_it() {
    let app = TestApp::start().await;
    let story = Story::new(&app);
    let listing = story.listed(&app.person("seller").await).await;
    let mut buyers = Vec::new();
    for number in 0..32 {
        let buyer = app.person(&format!("buyer{number}")).await;
        app.fund(&buyer, 100_000).await;
        buyers.push(buyer);
    }
    let body = json!({ "listing_id": listing, "payment_method": "balance" });
    let replies =
        join_all(buyers.iter().map(|buyer| buyer.client.post("payments/purchase/", body.clone())))
            .await;
    let won = replies.iter().filter(|reply| reply.status == 201).count();
    let lost = replies
        .iter()
        .filter(|reply| (reply.status, reply.code()) == (409, "LISTING_UNAVAILABLE"))
        .count();
    assert_eq!(
        (won, lost),
        (1, 31),
        "{:?}",
        replies.iter().map(|reply| (reply.status, reply.code())).collect::<Vec<_>>()
    );
    let winner = &buyers[replies.iter().position(|reply| reply.status == 201).expect("one")];
    let again =
        join_all((0..9).map(|_| winner.client.post("payments/purchase/", body.clone()))).await;
    let first = replies.iter().find(|reply| reply.status == 201).expect("one");
    assert!(
        again.iter().all(|reply| reply.status == 200 && reply.at("/id") == first.at("/id")),
        "the winner's clicks are one purchase"
    );
    assert_eq!(app.available(winner).await, "0.00");
    assert_eq!(
        app.database.number("SELECT count(*) FROM ledger.journal WHERE kind = 'escrow_fund'").await,
        1
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_click_sent_nine_times_at_once_is_one_purchase() {
    let app = TestApp::start().await;
    let listing = Story::new(&app).listed(&app.person("seller").await).await;
    let buyer = app.person("buyer").await;
    app.fund(&buyer, 150_000).await;
    let body = json!({ "listing_id": listing });
    let replies =
        join_all((0..9).map(|_| buyer.client.post("payments/purchase/", body.clone()))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 8);
    assert!(replies.iter().all(|reply| reply.at("/id") == replies[0].at("/id")));
    assert_eq!(app.available(&buyer).await, "50000.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_nobody_pays_expires_and_a_late_payment_stays_on_the_balance() {
    let app = TestApp::start().await;
    let listing = Story::new(&app).listed(&app.person("seller").await).await;
    let (buyer, other) = (app.person("buyer").await, app.person("other").await);
    let reply = buyer
        .client
        .post("payments/purchase/", json!({ "listing_id": listing, "payment_method": "payme" }))
        .await
        .expect(201);
    assert_eq!(reply.text_at("/status"), "pending_payment");
    assert!(reply.text_at("/payment_url").starts_with("https://"));
    app.fund(&other, 100_000).await;
    other
        .client
        .post("payments/purchase/", json!({ "listing_id": listing }))
        .await
        .expect_error(409, "LISTING_UNAVAILABLE");
    let (order, payme) = (reply.text_at("/transaction_id"), app.payme());
    let id = tests::Payme::transaction_id();
    let create = json!({ "id": id, "time": tests::Payme::now_ms(), "amount": 10_000_000, "account": { "order_id": order } });
    assert_eq!(payme.call("CreateTransaction", create).await["result"]["state"], 1);
    app.advance("30 minutes 1 second").await;
    app.run_due_jobs().await;
    let deal = format!("payments/escrow/{}/", reply.text_at("/id"));
    assert_eq!(buyer.client.get(&deal).await.text_at("/status"), "cancelled");
    let check = json!({ "amount": 10_000_000, "account": { "order_id": order } });
    let refused = payme.call("CheckPerformTransaction", check).await["error"]["code"]
        .as_i64()
        .unwrap_or_default();
    assert!(
        (-31_099..=-31_050).contains(&refused),
        "nobody else begins to pay an expired deal: {refused}"
    );
    assert_eq!(payme.call("PerformTransaction", json!({ "id": id })).await["result"]["state"], 2);
    assert_eq!(
        app.available(&buyer).await,
        "100000.00",
        "the money came too late for the deal and is not lost"
    );
    other.client.post("payments/purchase/", json!({ "listing_id": listing })).await.expect(201);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_paid_through_payme_is_paid_by_its_webhook() {
    let app = TestApp::start().await;
    let listing = Story::new(&app).listed(&app.person("seller").await).await;
    let buyer = app.person("buyer").await;
    let body = json!({ "listing_id": listing, "payment_method": "payme" });
    let reply = buyer.client.post("payments/purchase/", body.clone()).await.expect(201);
    let again = buyer.client.post("payments/purchase/", body).await.expect(200);
    assert_eq!(reply.at("/transaction_id"), again.at("/transaction_id"));
    app.payme().pay(reply.text_at("/transaction_id"), 10_000_000).await;
    let deal =
        buyer.client.get(&format!("payments/escrow/{}/", reply.text_at("/id"))).await.expect(200);
    assert_eq!(deal.text_at("/status"), "paid");
    assert_eq!(app.available(&buyer).await, "0.00");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_sealed_at_rest_and_shown_to_the_buyer_alone() {
    let app = TestApp::start().await;
    let deal = Story::new(&app).handed_over().await;
    let shown = deal.buyer.client.get(&deal.path("credentials/")).await.expect(200);
    assert_eq!(shown.text_at("/account_password"), "s3cret-Conqueror");
    assert_eq!(shown.text_at("/account_email"), "conqueror72@gmail.com");
    assert_eq!(
        shown.at("/account_additional_info/note"),
        &Value::from("backup codes in the mailbox")
    );
    assert!(shown.headers["cache-control"].to_str().expect("text").contains("no-store"));
    assert!(app.database.number("SELECT count(*) FROM audit_log WHERE action LIKE '%credential%' OR action LIKE '%reveal%'").await >= 1);
    for table in app.database.texts("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'").await {
        let rows = app.database.texts(&format!("SELECT r FROM \"{table}\" AS r")).await;
        assert!(!rows.iter().any(|row| row.contains("s3cret-Conqueror") || row.contains("conqueror72@")), "{table} shows a credential");
        assert!(!rows.iter().any(|row| row.contains("7333637265742d436f6e7175")), "{table} holds a credential in the clear");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_needs_money_a_proof_and_somebody_elses_listing() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    let listing = Story::new(&app).listed(&seller).await;
    let (poor, unproved) = (app.person("poor").await, app.unverified("unproved").await);
    app.fund(&poor, 99_999).await;
    let buy = |listing: &str| json!({ "listing_id": listing, "payment_method": "balance" });
    poor.client
        .post("payments/purchase/", buy(&listing))
        .await
        .expect_error(402, "INSUFFICIENT_FUNDS");
    unproved
        .client
        .post("payments/purchase/", buy(&listing))
        .await
        .expect_error(403, "EMAIL_NOT_VERIFIED");
    seller
        .client
        .post("payments/purchase/", buy(&listing))
        .await
        .expect_error(403, "PERMISSION_DENIED");
    app.client
        .post("payments/purchase/", buy(&listing))
        .await
        .expect_error(401, "NOT_AUTHENTICATED");
    let missing = uuid::Uuid::new_v4().to_string();
    let reply = poor.client.post("payments/purchase/", buy(&missing)).await;
    assert!(
        matches!((reply.status, reply.code()), (404, "NOT_FOUND") | (409, "LISTING_UNAVAILABLE")),
        "{}",
        reply.text
    );
    let priced = json!({ "listing_id": listing, "expected_price": "90000.00" });
    assert_eq!(
        poor.client
            .post("payments/purchase/", priced)
            .await
            .expect_error(409, "PRICE_CHANGED")
            .text_at("/error/details/price"),
        "100000.00"
    );
    for wrong in [
        json!({ "listing_id": "not-a-uuid" }),
        json!({ "listing_id": listing, "amount": 1 }),
        json!({ "listing_id": listing, "payment_method": "bitcoin" }),
        json!({ "listing_id": listing, "payment_method": 7 }),
        json!({}),
        json!([]),
    ] {
        poor.client
            .post("payments/purchase/", wrong.clone())
            .await
            .expect_error(400, "VALIDATION_ERROR");
    }
    assert_eq!(app.available(&poor).await, "99999.00");
    assert_eq!(app.database.number("SELECT count(*) FROM escrows").await, 0);
    assert_eq!(
        app.database.texts(&format!("SELECT status FROM listings WHERE id = '{listing}'")).await,
        ["active"]
    );
    app.finish().await;
}
