//! Purchases: who gets the listing, what it takes, and who sees what was sold.

use serde_json::{Value, json};
use tests::{Story, TestApp};

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
