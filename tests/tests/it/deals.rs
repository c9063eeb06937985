//! Deals: who gets the listing, who gets the money, and every way back.

use serde_json::json;
use tests::{Deal, Person, Story, TestApp};

async fn status(deal: &Deal) -> String {
    deal.buyer.client.get(&deal.path("")).await.expect(200).text_at("/status").to_owned()
}

async fn listing_status(app: &TestApp, deal: &Deal) -> String {
    app.database
        .texts(&format!("SELECT status FROM listings WHERE id = '{}'", deal.listing))
        .await
        .remove(0)
}

async fn balances(app: &TestApp, deal: &Deal) -> (String, String) {
    (app.available(&deal.buyer).await, app.available(&deal.seller).await)
}

async fn kinds(person: &Person) -> Vec<String> {
    let rows = person.client.get("payments/transactions/?ordering=created_at").await.expect(200);
    let rows = rows.at("/results").as_array().expect("rows").clone();
    let mut kinds: Vec<_> = rows
        .iter()
        .map(|row| {
            format!(
                "{} {}",
                row["type"].as_str().unwrap_or_default(),
                row["amount"].as_str().unwrap_or_default()
            )
        })
        .collect();
    kinds.sort();
    kinds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_goes_from_listing_to_the_seller_being_paid() {
    let app = TestApp::start().await;
    let deal = Story::new(&app).delivered().await;
    assert_eq!(balances(&app, &deal).await, ("0.00".into(), "0.00".into()));
    app.advance("23 hours 59 minutes").await;
    app.run_due_jobs().await;
    assert_eq!(status(&deal).await, "delivered", "the buyer may still complain");
    app.advance("1 minute 1 second").await;
    app.run_due_jobs().await;
    app.run_due_jobs().await;
    assert_eq!(status(&deal).await, "confirmed");
    assert_eq!(balances(&app, &deal).await, ("0.00".into(), "90000.00".into()));
    assert_eq!(kinds(&deal.seller).await, ["commission 10000.00", "sale 100000.00"]);
    assert_eq!(kinds(&deal.buyer).await, ["deposit 100000.00", "purchase 100000.00"]);
    assert_eq!(listing_status(&app, &deal).await, "sold");
    let counters = app.database.texts("SELECT total_sales || ' ' || total_purchases FROM users WHERE total_sales + total_purchases > 0 ORDER BY 1").await;
    assert_eq!(counters, ["0 1", "1 0"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dispute_stops_the_release_and_staff_decides() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for (decision, body, status_after, buyer, seller) in [
        ("refund/", json!({}), "refunded", "100000.00", "0.00"),
        ("complete/", json!({}), "confirmed", "0.00", "90000.00"),
        (
            "resolve-dispute/",
            json!({ "winner": "buyer", "note": "no access" }),
            "refunded",
            "100000.00",
            "0.00",
        ),
        (
            "resolve-dispute/",
            json!({ "winner": "seller", "note": "works" }),
            "confirmed",
            "0.00",
            "90000.00",
        ),
        (
            "resolve-dispute/",
            json!({ "winner": "buyer", "note": "half", "refund_amount": "40000.00" }),
            "confirmed",
            "40000.00",
            "54000.00",
        ),
    ] {
        let deal = Story::new(&app).delivered().await;
        deal.buyer
            .client
            .post(&deal.path("dispute/"), json!({ "reason": "the password does not work" }))
            .await
            .expect(200);
        app.advance("25 hours").await;
        app.run_due_jobs().await;
        assert_eq!(status(&deal).await, "disputed", "a dispute voids the release");
        let path = format!("admin-panel/trades/{}/{decision}", deal.id);
        deal.seller.client.post(&path, body.clone()).await.expect_error(403, "PERMISSION_DENIED");
        staff.client.post(&path, body.clone()).await.expect(200);
        assert_eq!(status(&deal).await, status_after, "{decision}");
        assert_eq!(
            balances(&app, &deal).await,
            (buyer.to_owned(), seller.to_owned()),
            "{decision} {body}"
        );
        let other = if status_after == "refunded" { "complete/" } else { "refund/" };
        staff
            .client
            .post(&format!("admin-panel/trades/{}/{other}", deal.id), json!({}))
            .await
            .expect_error(409, "INVALID_STATE");
        assert_eq!(
            balances(&app, &deal).await,
            (buyer.to_owned(), seller.to_owned()),
            "settled once"
        );
    }
    assert!(
        app.database.number("SELECT count(*) FROM audit_log WHERE actor LIKE 'staff:%'").await >= 5
    );
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_the_staff_and_the_timer_settle_a_deal_once() {
    let app = TestApp::start().await;
    let (one, two) = (app.staff().await, app.staff().await);
    let deal = Story::new(&app).delivered().await;
    app.advance("24 hours 1 second").await;
    let refund = format!("admin-panel/trades/{}/refund/", deal.id);
    let complete = format!("admin-panel/trades/{}/complete/", deal.id);
    let (first, second, _) = tokio::join!(
        one.client.post(&refund, json!({})),
        two.client.post(&complete, json!({})),
        app.run_due_jobs()
    );
    assert!(first.status < 500 && second.status < 500, "{} {}", first.text, second.text);
    assert_eq!(
        app.database
            .number("SELECT count(*) FROM ledger.journal WHERE ref LIKE 'escrow_settle:%'")
            .await,
        1
    );
    let (buyer, seller) = balances(&app, &deal).await;
    assert!(
        (buyer == "100000.00" && seller == "0.00") || (buyer == "0.00" && seller == "90000.00"),
        "{buyer} {seller}"
    );
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_comes_back_when_nothing_is_handed_over() {
    let app = TestApp::start().await;
    let by_timer = Story::new(&app).paid().await;
    let by_buyer = Story::new(&app).paid().await;
    let by_seller = Story::new(&app).paid().await;
    by_seller
        .seller
        .client
        .post(&by_seller.path("seller-cancel/"), json!({ "reason": "sold elsewhere" }))
        .await
        .expect(200);
    assert_eq!(balances(&app, &by_seller).await, ("100000.00".into(), "0.00".into()));
    app.advance("24 hours 1 second").await;
    app.run_due_jobs().await;
    by_buyer
        .buyer
        .client
        .post(&by_buyer.path("buyer-cancel/"), json!({ "reason": "" }))
        .await
        .expect(200);
    assert_eq!(balances(&app, &by_buyer).await, ("100000.00".into(), "0.00".into()));
    assert_eq!(status(&by_timer).await, "paid");
    app.advance("48 hours").await;
    app.run_due_jobs().await;
    assert_eq!(balances(&app, &by_timer).await, ("100000.00".into(), "0.00".into()));
    for deal in [&by_timer, &by_buyer, &by_seller] {
        assert_eq!(
            (status(deal).await.as_str(), listing_status(&app, deal).await.as_str()),
            ("refunded", "active")
        );
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_buyer_has_received_after_three_days_and_the_seller_is_paid_a_day_later() {
    let app = TestApp::start().await;
    let deal = Story::new(&app).handed_over().await;
    app.advance("72 hours 1 second").await;
    app.run_due_jobs().await;
    assert_eq!(status(&deal).await, "delivered");
    app.advance("24 hours 1 second").await;
    app.run_due_jobs().await;
    assert_eq!(balances(&app, &deal).await, ("0.00".into(), "90000.00".into()));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn losing_the_whole_job_table_costs_only_time() {
    let app = TestApp::start().await;
    let deals = [
        Story::new(&app).delivered().await,
        Story::new(&app).paid().await,
        Story::new(&app).handed_over().await,
    ];
    app.run_due_jobs().await;
    app.database.execute("DELETE FROM jobs").await;
    for days in ["24 hours 1 second", "48 hours 1 second", "24 hours 1 second"] {
        app.advance(days).await;
        assert_eq!(app.run_due_jobs().await, 0, "there is no job left");
        app.enqueue(shared::jobs::kinds::ReconcileEscrows::default()).await;
        app.run_due_jobs().await;
        app.database.execute("DELETE FROM jobs").await;
    }
    let [released, refunded, received] = &deals;
    assert_eq!(
        (
            status(released).await.as_str(),
            status(refunded).await.as_str(),
            status(received).await.as_str()
        ),
        ("confirmed", "refunded", "confirmed")
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_is_for_one_party_in_one_state() {
    let app = TestApp::start().await;
    let (stranger, staff) = (app.person("stranger").await, app.staff().await);
    let deal = Story::new(&app).paid().await;
    let reason = json!({ "reason": "not what was sold" });
    let nothing = json!({});
    for (who, step, body, expected) in [
        (&stranger, "", &nothing, (404, "NOT_FOUND")),
        (&stranger, "credentials/", &nothing, (404, "NOT_FOUND")),
        (&stranger, "dispute/", &reason, (404, "NOT_FOUND")),
        (&stranger, "buyer-confirm/", &nothing, (404, "NOT_FOUND")),
        (&deal.buyer, "credentials/", &nothing, (409, "INVALID_STATE")),
        (&deal.buyer, "buyer-confirm/", &nothing, (409, "INVALID_STATE")),
        (&deal.buyer, "dispute/", &json!({ "reason": "" }), (400, "VALIDATION_ERROR")),
        (
            &deal.buyer,
            "dispute/",
            &json!({ "reason": "x".repeat(2001) }),
            (400, "VALIDATION_ERROR"),
        ),
        (
            &deal.buyer,
            "dispute/",
            &json!({ "reason": "nul \u{0} inside" }),
            (400, "VALIDATION_ERROR"),
        ),
        (&deal.buyer, "dispute/", &nothing, (400, "VALIDATION_ERROR")),
    ] {
        let read = step.is_empty() || step == "credentials/";
        let reply = if read {
            who.client.get(&deal.path(step)).await
        } else {
            who.client.post(&deal.path(step), body.clone()).await
        };
        assert_eq!((reply.status, reply.code()), expected, "{step} {body}: {}", reply.text);
    }
    for step in ["seller-confirm-trade/", "seller-cancel/"] {
        let reply = deal.buyer.client.post(&deal.path(step), json!({})).await;
        assert!(matches!(reply.status, 403 | 404), "{step} by the buyer: {}", reply.text);
    }
    let reply = deal.seller.client.post(&deal.path("buyer-confirm/"), json!({})).await;
    assert!(matches!(reply.status, 403 | 404), "receipt by the seller: {}", reply.text);
    assert_eq!(status(&deal).await, "paid", "nothing changed");
    staff.client.get(&deal.path("")).await.expect(200);
    deal.seller.client.post_empty(&deal.path("seller-confirm-trade/")).await.expect(200);
    deal.seller.client.post_empty(&deal.path("seller-confirm-trade/")).await.expect(200);
    let seller = deal.seller.client.get(&deal.path("credentials/")).await;
    assert!(matches!(seller.status, 403 | 404), "the seller sees masks only: {}", seller.text);
    app.finish().await;
}
