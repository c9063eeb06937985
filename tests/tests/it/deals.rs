//! Deals: who gets the listing, who gets the money, and every way back.

use futures::future::join_all;
use serde_json::{Value, json};
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
async fn a_dispute_and_a_release_at_the_same_moment_have_one_outcome() {
    let app = TestApp::start().await;
    let (mut released, mut disputed) = (0, 0);
    for round in 0..6 {
        let deal = Story::new(&app).delivered().await;
        app.advance("23 hours 59 minutes 59.9 seconds").await;
        let complaint = async {
            deal.buyer
                .client
                .post(&deal.path("dispute/"), json!({ "reason": "the password does not work" }))
                .await
        };
        let payment = async {
            app.advance("1 second").await;
            app.run_due_jobs().await
        };
        let (reply, _) = if round % 2 == 0 {
            tokio::join!(complaint, payment)
        } else {
            let (b, a) = tokio::join!(payment, complaint);
            (a, b)
        };
        app.run_due_jobs().await;
        match status(&deal).await.as_str() {
            "disputed" => {
                disputed += 1;
                assert_eq!(reply.status, 200);
                assert_eq!(balances(&app, &deal).await, ("0.00".into(), "0.00".into()));
            }
            "confirmed" => {
                released += 1;
                reply.expect_error(409, "INVALID_STATE");
                assert_eq!(balances(&app, &deal).await, ("0.00".into(), "90000.00".into()));
            }
            other => panic!("neither released nor disputed: {other}"),
        }
    }
    assert_eq!(released + disputed, 6);
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
