//! The less usual steps of a deal: paid from the balance after all, cancelled by agreement, released early, stopped by
//! staff, decided by two of them, and what is written down about all that.

use serde_json::{Value, json};
use tests::{Deal, Person, Story, TestApp};

async fn status(app: &TestApp, deal: impl std::fmt::Display) -> String {
    app.database.texts(&format!("SELECT status FROM escrows WHERE id = '{deal}'")).await.remove(0)
}

async fn listing(app: &TestApp, id: &str) -> String {
    app.database.texts(&format!("SELECT status FROM listings WHERE id = '{id}'")).await.remove(0)
}

async fn balances(app: &TestApp, deal: &Deal) -> (String, String) {
    (app.available(&deal.buyer).await, app.available(&deal.seller).await)
}

async fn step(who: &Person, deal: &Deal, action: &str) -> tests::Reply {
    who.client.post(&deal.path(action), json!({ "reason": "as agreed" })).await
}

/// A deal that waits for money: the buyer, its path, its id.
async fn waiting(app: &TestApp) -> (Person, String, String) {
    let listing = Story::new(app).listed(&app.person("seller").await).await;
    let buyer = app.person("buyer").await;
    let body = json!({ "listing_id": listing, "payment_method": "payme" });
    let reply = buyer.client.post("payments/purchase/", body).await.expect(201);
    let id = reply.text_at("/id").to_owned();
    (buyer, format!("payments/escrow/{id}/"), id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reserved_listing_can_be_paid_from_the_balance_in_time() {
    let app = TestApp::start().await;
    let (buyer, path, id) = waiting(&app).await;
    let pay = format!("{path}pay/");
    buyer.client.post_empty(&pay).await.expect_error(402, "INSUFFICIENT_FUNDS");
    app.fund(&buyer, 150_000).await;
    app.person("stranger").await.client.post_empty(&pay).await.expect_error(404, "NOT_FOUND");
    buyer.client.post_empty(&pay).await.expect(200);
    let again = buyer.client.post_empty(&pay).await.expect(200);
    assert_eq!((again.text_at("/status"), status(&app, &id).await.as_str()), ("paid", "paid"));
    assert_eq!(app.available(&buyer).await, "50000.00", "paid once");
    let (late, path, id) = waiting(&app).await;
    app.fund(&late, 100_000).await;
    app.advance("30 minutes 1 second").await;
    let pay = format!("{path}pay/");
    late.client.post_empty(&pay).await.expect_error(409, "INVALID_STATE");
    app.run_due_jobs().await;
    late.client.post_empty(&pay).await.expect_error(409, "INVALID_STATE");
    assert_eq!(status(&app, &id).await, "cancelled");
    assert_eq!(app.available(&late).await, "100000.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buyers_wish_to_cancel_is_granted_overruled_or_honoured_in_the_end() {
    let app = TestApp::start().await;
    let story = Story::new(&app);
    let (granted, overruled, honoured) =
        (story.paid().await, story.paid().await, story.paid().await);
    for deal in [&granted, &overruled, &honoured] {
        for _ in 0..2 {
            let asked = step(&deal.buyer, deal, "buyer-cancel/").await.expect(200);
            assert_eq!(
                (asked.text_at("/status"), asked.at("/buyer_cancelled")),
                ("paid", &Value::Bool(true))
            );
        }
    }
    step(&granted.seller, &granted, "seller-cancel/").await.expect(200);
    assert_eq!(
        (status(&app, granted.id).await.as_str(), balances(&app, &granted).await.0.as_str()),
        ("refunded", "100000.00")
    );
    let handed_over = overruled
        .seller
        .client
        .post_empty(&overruled.path("seller-confirm-trade/"))
        .await
        .expect(200);
    assert_eq!(handed_over.at("/buyer_cancelled"), &Value::Bool(false), "the buyer can go on");
    app.advance("24 hours 1 second").await;
    app.run_due_jobs().await;
    assert_eq!(status(&app, honoured.id).await, "refunded", "nobody has to ask again");
    assert_eq!(balances(&app, &honoured).await, ("100000.00".into(), "0.00".into()));
    assert_eq!(status(&app, overruled.id).await, "paid");
    let disputed = step(&overruled.buyer, &overruled, "buyer-cancel/").await.expect(200);
    assert_eq!(disputed.text_at("/status"), "disputed", "the buyer may know the password");
    step(&overruled.buyer, &overruled, "buyer-cancel/").await.expect(200);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_content_buyer_pays_the_seller_at_once_and_both_are_counted_once() {
    let app = TestApp::start().await;
    let deal = Story::new(&app).delivered().await;
    step(&deal.seller, &deal, "release/").await.expect_error(403, "PERMISSION_DENIED");
    for _ in 0..2 {
        deal.buyer.client.post_empty(&deal.path("release/")).await.expect(200);
    }
    assert_eq!(balances(&app, &deal).await, ("0.00".into(), "90000.00".into()));
    step(&deal.buyer, &deal, "dispute/").await.expect_error(409, "INVALID_STATE");
    let counters = "SELECT total_sales || ' ' || total_purchases FROM users WHERE total_sales + total_purchases > 0 ORDER BY 1";
    assert!(app.database.texts(counters).await.is_empty(), "counted by a job");
    app.run_due_jobs().await;
    assert_eq!(app.database.texts(counters).await, ["0 1", "1 0"]);
    // Lost with the whole job table, wrong by any accident: the scan finds the deal, and the count is made anew.
    app.database
        .execute("DELETE FROM jobs; UPDATE escrows SET counted_at = NULL; UPDATE users SET total_sales = 7 WHERE total_sales = 1")
        .await;
    app.enqueue(shared::jobs::kinds::ReconcileEscrows::default()).await;
    app.run_due_jobs().await;
    assert_eq!(app.database.texts(counters).await, ["0 1", "1 0"]);
    let repeated = app
        .app
        .db
        .transaction(async |tx| shared::escrow::count_settled(tx, deal.id).await)
        .await
        .expect("runs");
    assert_eq!(repeated, shared::Outcome::AlreadyDone);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_stop_a_deal_and_a_block_never_undoes_one_silently() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let story = Story::new(&app);
    let (stopped, blocked) = (story.handed_over().await, story.delivered().await);
    let stop = format!("admin-panel/trades/{}/dispute/", stopped.id);
    let reason = json!({ "reason": "reported as stolen" });
    stopped.buyer.client.post(&stop, reason.clone()).await.expect_error(403, "PERMISSION_DENIED");
    for _ in 0..2 {
        staff.client.post(&stop, reason.clone()).await.expect(200);
    }
    assert_eq!(status(&app, stopped.id).await, "disputed");
    let block = format!("admin-panel/listings/{}/block/", blocked.listing);
    staff.client.post(&block, reason.clone()).await.expect(200);
    assert_eq!(
        (status(&app, blocked.id).await.as_str(), listing(&app, &blocked.listing).await.as_str()),
        ("disputed", "blocked")
    );
    app.advance("300 hours").await;
    app.run_due_jobs().await;
    assert_eq!(balances(&app, &blocked).await, ("0.00".into(), "0.00".into()), "nothing moves");
    let resolve = format!("admin-panel/trades/{}/resolve-dispute/", blocked.id);
    staff.client.post(&resolve, json!({ "winner": "buyer", "note": "" })).await.expect(200);
    assert_eq!(
        (balances(&app, &blocked).await.0.as_str(), listing(&app, &blocked.listing).await.as_str()),
        ("100000.00", "blocked")
    );
    let (buyer, path, id) = waiting(&app).await;
    let reserved = buyer.client.get(&path).await.text_at("/listing_id").to_owned();
    staff.client.post(&format!("admin-panel/listings/{reserved}/block/"), reason).await.expect(200);
    assert_eq!(
        (status(&app, &id).await.as_str(), listing(&app, &reserved).await.as_str()),
        ("cancelled", "blocked")
    );
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_deal_is_decided_by_two_members_of_staff_who_agree() {
    let app = TestApp::start_with(&[("ESCROW_TWO_STAFF_ABOVE", "99999.99")]).await;
    let (one, two) = (app.staff().await, app.staff().await);
    let deal = Story::new(&app).delivered().await;
    let resolve = format!("admin-panel/trades/{}/resolve-dispute/", deal.id);
    let split =
        |refund: &str| json!({ "winner": "buyer", "note": "both", "refund_amount": refund });
    for _ in 0..2 {
        let first = one.client.post(&resolve, split("40000.00")).await.expect(200);
        assert_eq!(
            (first.text_at("/status"), first.text_at("/awaits_second_decision/refund")),
            ("delivered", "40000.00")
        );
    }
    two.client.post(&resolve, split("50000.00")).await.expect(200);
    assert_eq!(balances(&app, &deal).await, ("0.00".into(), "0.00".into()), "they do not agree");
    let agreed = one.client.post(&resolve, split("50000.00")).await.expect(200);
    assert_eq!(agreed.text_at("/status"), "confirmed");
    assert_eq!(balances(&app, &deal).await, ("50000.00".into(), "45000.00".into()));
    let steps = "SELECT action FROM audit_log WHERE action LIKE 'escrow.%' ORDER BY id";
    let propose = "escrow.propose";
    assert_eq!(app.database.texts(steps).await, [propose, propose, propose, "escrow.resolve"]);
    let refund = format!("admin-panel/trades/{}/refund/", Story::new(&app).paid().await.id);
    assert_eq!(one.client.post_empty(&refund).await.expect(200).text_at("/status"), "paid");
    assert_eq!(two.client.post_empty(&refund).await.expect(200).text_at("/status"), "refunded");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deals_steps_and_the_words_of_both_sides_are_kept_for_those_who_may_read_them() {
    let app = TestApp::start().await;
    let (staff, stranger) = (app.staff().await, app.person("stranger").await);
    let deal = Story::new(&app).handed_over().await;
    let (history, evidence) = (deal.path("history/"), deal.path("evidence/"));
    let said = json!({ "text": "the recording shows it" });
    deal.buyer.client.post(&evidence, said.clone()).await.expect_error(409, "INVALID_STATE");
    step(&deal.buyer, &deal, "dispute/").await.expect(200);
    for (who, text) in [
        (&deal.buyer, "the recording shows it"),
        (&deal.buyer, "the recording shows it"),
        (&deal.seller, "it works"),
    ] {
        who.client.post(&evidence, json!({ "text": text })).await.expect(201);
    }
    for wrong in [
        json!({}),
        json!({ "text": " " }),
        json!({ "text": "x".repeat(2_001) }),
        json!({ "text": "x", "by": "seller" }),
    ] {
        deal.buyer.client.post(&evidence, wrong).await.expect_error(400, "VALIDATION_ERROR");
    }
    stranger.client.post(&evidence, said).await.expect_error(404, "NOT_FOUND");
    for path in [&history, &evidence] {
        stranger.client.get(path).await.expect_error(404, "NOT_FOUND");
    }
    let words = deal.seller.client.get(&evidence).await.expect(200);
    let words: Vec<&str> =
        words.json.as_array().expect("rows").iter().filter_map(|row| row["by"].as_str()).collect();
    assert_eq!(words, ["buyer", "seller"], "the same words are the same statement");
    let steps = deal.buyer.client.get(&history).await.expect(200);
    let told: Vec<String> = steps
        .json
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            format!(
                "{} {}",
                row["by"].as_str().unwrap_or("?"),
                row["event"].as_str().unwrap_or("?")
            )
        })
        .collect();
    assert_eq!(told, ["buyer opened", "buyer paid", "seller handed_over", "buyer disputed"]);
    assert!(!steps.text.contains("actor"), "ids are for staff");
    let whole = staff.client.get(&history).await.expect(200);
    assert_eq!(whole.text_at("/0/actor"), format!("user:{}", deal.buyer.id));
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_see_how_many_deals_are_where() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let story = Story::new(&app);
    let (_paid, done, disputed) =
        (story.paid().await, story.delivered().await, story.handed_over().await);
    waiting(&app).await;
    done.buyer.client.post_empty(&done.path("release/")).await.expect(200);
    step(&disputed.seller, &disputed, "dispute/").await.expect(200);
    for path in ["admin-panel/trades/stats/", "/api/v1/api/v1/admin-panel/trades/stats/"] {
        let stats = staff.client.get(path).await.expect(200);
        assert_eq!(
            stats.json,
            json!({ "active_trades": 2, "pending_delivery": 1, "disputed": 1, "completed_today": 1 })
        );
    }
    done.buyer.client.get("admin-panel/trades/stats/").await.expect_error(403, "PERMISSION_DENIED");
    let all = staff.client.get("admin-panel/trades/?status=all&search=").await.expect(200);
    assert_eq!(all.at("/count"), 4);
    app.run_due_jobs().await;
    app.finish().await;
}
