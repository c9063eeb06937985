//! What a deal refuses: the wrong listing, a skipped step, a split that does not add up. Each has its status and its code,
//! and changes nothing.

use serde_json::{Value, json};
use tests::{Deal, Person, Story, TestApp};

const PURCHASE: &str = "payments/purchase/";

/// Everything that a refused step could have changed.
async fn everything(app: &TestApp) -> Vec<String> {
    let tables = [
        "escrows",
        "escrow_status_history",
        "escrow_credentials",
        "escrow_evidence",
        "listings",
        "transactions",
        "ledger.account",
        "ledger.journal",
        "ledger.entry",
        "idempotency_keys",
        "audit_log",
    ];
    let mut prints = Vec::new();
    for table in tables {
        let print = format!(
            "SELECT '{table} ' || coalesce(md5(string_agg(t::text, ' ' ORDER BY t::text)), '') FROM {table} t"
        );
        prints.extend(app.database.texts(&print).await);
    }
    // What a step tells of it, too.
    prints.extend(app.database.texts("SELECT 'jobs ' || count(*) FROM jobs").await);
    prints
}

/// A listing that waits for a moderator.
async fn offered(app: &TestApp, seller: &Person) -> String {
    let games = app.client.get("games/").await.expect(200);
    let body = tests::sell_body(games.text_at("/results/0/id"));
    seller.client.post("listings/", body).await.expect(201).text_at("/id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_for_sale_by_somebody_else_is_bought() {
    let app = TestApp::start().await;
    let (story, staff) = (Story::new(&app), app.staff().await);
    let seller = app.person("seller").await;
    let buyer = app.person("buyer").await;
    app.fund(&buyer, 1_000_000).await;
    let verdict = |id: &str, verb: &str| format!("admin-panel/listings/{id}/{verb}/");
    let why = json!({ "reason": "not like this" });

    // Alike forms within a minute are one listing: each is another seller's.
    let pending = offered(&app, &app.person("seller").await).await;
    let rejected = offered(&app, &app.person("seller").await).await;
    staff.client.post(&verdict(&rejected, "reject"), why.clone()).await.expect(200);
    let blocked = story.listed(&app.person("seller").await).await;
    staff.client.post(&verdict(&blocked, "block"), why).await.expect(200);
    let remover = app.person("remover").await;
    let removed = story.listed(&remover).await;
    let delete = remover.client.request(reqwest::Method::DELETE, &format!("listings/{removed}/"));
    remover.client.send(delete).await.expect(204);
    let taken = story.paid().await.listing;
    let sold = story.delivered().await;
    sold.buyer.client.post_empty(&sold.path("release/")).await.expect(200);
    let given_back = story.handed_over().await;
    let cancel = given_back.path("seller-cancel/");
    given_back.seller.client.post_empty(&cancel).await.expect(200);
    let own = story.listed(&seller).await;
    app.fund(&seller, 200_000).await;
    app.run_due_jobs().await;

    let before = everything(&app).await;
    let gone = (409, "LISTING_UNAVAILABLE");
    let nobodys = uuid::Uuid::new_v4().to_string();
    for (what, who, listing, expected) in [
        ("pending", &buyer, &pending, gone),
        ("rejected", &buyer, &rejected, gone),
        ("blocked", &buyer, &blocked, gone),
        ("removed", &buyer, &removed, gone),
        ("taken", &buyer, &taken, gone),
        ("sold", &buyer, &sold.listing, gone),
        ("sold, to its buyer", &sold.buyer, &sold.listing, gone),
        ("archived after its password was seen", &buyer, &given_back.listing, gone),
        ("one's own", &seller, &own, (403, "PERMISSION_DENIED")),
        ("nobody's", &buyer, &nobodys, (404, "NOT_FOUND")),
    ] {
        for method in ["balance", "payme", "click"] {
            let body = json!({ "listing_id": listing, "payment_method": method });
            let refused = who.client.post(PURCHASE, body.clone()).await;
            assert_eq!(
                (refused.status, refused.code()),
                expected,
                "{what} by {method}: {}",
                refused.text
            );
            let keyed = who.client.post_keyed(PURCHASE, "a-key", body).await;
            assert_eq!(
                (keyed.status, keyed.code()),
                expected,
                "{what} under a key: {}",
                keyed.text
            );
        }
    }
    assert_eq!(everything(&app).await, before);
    app.finish().await;
}

/// A deal in each state.
async fn states(app: &TestApp) -> Vec<(&'static str, &'static str, Deal)> {
    let story = Story::new(app);
    let (seller, buyer) = (app.person("seller").await, app.person("buyer").await);
    let listing = story.listed(&seller).await;
    let body = json!({ "listing_id": listing, "payment_method": "payme" });
    let mut unpaid = Vec::new();
    for _ in 0..2 {
        let (seller, buyer) = (app.person("seller").await, app.person("buyer").await);
        let listing = story.listed(&seller).await;
        let body = json!({ "listing_id": listing, "payment_method": "payme" });
        let reply = buyer.client.post(PURCHASE, body).await.expect(201);
        let id = shared::ids::EscrowId(reply.text_at("/id").parse().expect("a UUID"));
        app.fund(&buyer, 100_000).await;
        unpaid.push(Deal { id, listing, seller, buyer });
    }
    let reply = buyer.client.post(PURCHASE, body).await.expect(201);
    let id = shared::ids::EscrowId(reply.text_at("/id").parse().expect("a UUID"));
    let cancelled = Deal { id, listing, seller, buyer };
    cancelled.buyer.client.post_empty(&cancelled.path("buyer-cancel/")).await.expect(200);
    let why = json!({ "reason": "it does not work" });
    let disputed = story.handed_over().await;
    disputed.buyer.client.post(&disputed.path("dispute/"), why.clone()).await.expect(200);
    let released = story.delivered().await;
    released.buyer.client.post_empty(&released.path("release/")).await.expect(200);
    let refunded = story.paid().await;
    refunded.seller.client.post(&refunded.path("seller-cancel/"), why).await.expect(200);
    let late = unpaid.remove(1);
    let waiting = unpaid.remove(0);
    app.database
        .execute(&format!("UPDATE escrows SET pay_by = app_now() WHERE id = '{}'", late.id))
        .await;
    vec![
        ("pending_payment", "pending_payment", waiting),
        ("expired", "pending_payment", late),
        ("paid", "paid", story.paid().await),
        ("handed over", "paid", story.handed_over().await),
        ("delivered", "delivered", story.delivered().await),
        ("disputed", "disputed", disputed),
        ("confirmed", "confirmed", released),
        ("refunded", "refunded", refunded),
        ("cancelled", "cancelled", cancelled),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_step_of_a_deal_is_skipped() {
    let app = TestApp::start().await;
    let deals = states(&app).await;
    app.settle_mail().await;
    let before = everything(&app).await;
    // What each party may not do there. What is left out may be done, or was done before and finds itself done.
    for (state, buyer, seller) in [
        (
            "pending_payment",
            "buyer-confirm release dispute evidence",
            "seller-confirm-trade seller-cancel dispute evidence",
        ),
        (
            "expired",
            "pay buyer-confirm release dispute",
            "seller-confirm-trade seller-cancel dispute",
        ),
        ("paid", "buyer-confirm release dispute evidence", "evidence"),
        ("handed over", "release evidence", "evidence"),
        ("delivered", "buyer-cancel evidence", "seller-cancel dispute evidence"),
        ("disputed", "buyer-confirm release buyer-cancel", "seller-cancel dispute"),
        ("confirmed", "dispute buyer-cancel evidence", "seller-cancel dispute evidence"),
        (
            "refunded",
            "pay buyer-confirm release dispute buyer-cancel evidence",
            "seller-confirm-trade dispute evidence",
        ),
        (
            "cancelled",
            "pay buyer-confirm release dispute evidence",
            "seller-confirm-trade seller-cancel dispute evidence",
        ),
    ] {
        let (_, status, deal) = deals.iter().find(|(name, ..)| *name == state).expect("a deal");
        for (who, steps) in [(&deal.buyer, buyer), (&deal.seller, seller)] {
            for step in steps.split(' ') {
                let body = match step {
                    "dispute" => json!({ "reason": "another reason" }),
                    "evidence" => json!({ "text": "words" }),
                    _ => json!({}),
                };
                let refused = who.client.post(&deal.path(&format!("{step}/")), body).await;
                let said = (refused.status, refused.code());
                assert_eq!(said, (409, "INVALID_STATE"), "{step} when {state}: {}", refused.text);
                assert_eq!(
                    refused.text_at("/error/details/status"),
                    *status,
                    "{step} when {state}"
                );
            }
        }
    }
    assert_eq!(everything(&app).await, before);
    for (state, _, deal) in &deals {
        let shown = deal.buyer.client.get(&deal.path("credentials/")).await;
        let expected = match *state {
            "paid" => (409, "INVALID_STATE"),
            "handed over" | "delivered" | "disputed" | "confirmed" => (200, ""),
            _ => (403, "PERMISSION_DENIED"),
        };
        assert_eq!((shown.status, shown.code()), expected, "credentials when {state}");
        let theirs = deal.seller.client.get(&deal.path("credentials/")).await;
        theirs.expect_error(403, "PERMISSION_DENIED");
    }
    app.run_due_jobs().await;
    app.finish().await;
}

/// What is no share of a deal of 100,000 UZS.
fn no_shares() -> Vec<Value> {
    vec![
        json!("100000.01"),
        json!(100_001),
        json!("99999999999999.99"),
        json!("-1.00"),
        json!(-1),
        json!("-0.00"),
        json!("0"),
        json!("0.00"),
        json!("33333.333"),
        json!(33_333.333),
        json!("1e3"),
        json!("1,000"),
        json!(" 1000"),
        json!("NaN"),
        json!(""),
        json!(true),
        json!([1]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_that_does_not_add_up_or_is_not_impartial_is_refused() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let deal = Story::new(&app).delivered().await;
    let path = format!("admin-panel/trades/{}/resolve-dispute/", deal.id);
    let split = |winner: &str, refund: Value| json!({ "winner": winner, "note": "split", "refund_amount": refund });
    app.run_due_jobs().await;
    let before = everything(&app).await;
    for refund in no_shares() {
        for winner in ["buyer", "seller"] {
            let refused = staff.client.post(&path, split(winner, refund.clone())).await;
            let refused = refused.expect_error(400, "VALIDATION_ERROR");
            let field = refused.at("/error/details").get("refund_amount");
            assert!(field.is_some(), "{refund}: {}", refused.text);
        }
    }
    for wrong in [
        // All of it back, and yet the seller is right.
        split("seller", json!("100000.00")),
        split("nobody", json!("1.00")),
        json!({ "winner": "buyer", "note": "x".repeat(2_001) }),
        json!({ "note": "who?" }),
        json!({ "winner": "buyer", "amount": "1.00" }),
        json!([]),
    ] {
        staff.client.post(&path, wrong).await.expect_error(400, "VALIDATION_ERROR");
    }
    // A party who is staff decides no more about it than one who is not.
    for party in [&deal.buyer, &deal.seller] {
        let decide = || party.client.post(&path, split("buyer", json!("1.00")));
        decide().await.expect_error(403, "PERMISSION_DENIED");
        let promote = format!(
            "UPDATE users SET is_staff = true WHERE id = '{0}';
             INSERT INTO staff_roles (user_id, role) SELECT '{0}', unnest(ARRAY['moderator', 'finance'])",
            party.id
        );
        app.database.execute(&promote).await;
        decide().await.expect_error(403, "PERMISSION_DENIED");
        for verb in ["refund", "complete"] {
            let path = format!("admin-panel/trades/{}/{verb}/", deal.id);
            party.client.post_empty(&path).await.expect_error(403, "PERMISSION_DENIED");
        }
    }
    let after = everything(&app).await;
    // Being refused is on record, and nothing else is.
    let but_audit = |prints: &[String]| -> Vec<String> {
        prints.iter().filter(|print| !print.starts_with("audit_log")).cloned().collect()
    };
    assert_eq!(but_audit(&after), but_audit(&before));
    staff.client.post(&path, split("buyer", json!("33333.33"))).await.expect(200);
    assert_eq!(app.available(&deal.buyer).await, "33333.33");
    assert_eq!(app.available(&deal.seller).await, "60000.00");
    app.run_due_jobs().await;
    app.finish().await;
}
