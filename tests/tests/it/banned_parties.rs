//! A party of a deal who is banned, or whose money is frozen, midway: the deal goes on by its timers or by staff, nobody
//! else loses by it, and every tiyin is where somebody can see it.

use serde_json::{Value, json};
use tests::{Acquirer, Deal, Person, Story, TestApp};

async fn ban(app: &TestApp, who: &Person) {
    app.database
        .execute(&format!("UPDATE users SET is_active = false WHERE id = '{}'", who.id))
        .await;
}

/// What somebody has who cannot ask: to spend, and held for a payout.
async fn has(app: &TestApp, who: &Person) -> Vec<String> {
    let sql = format!(
        "SELECT balance FROM ledger.account WHERE owner_id = '{}' AND kind IN ('user_available', 'user_withdrawal_hold') ORDER BY kind",
        who.id
    );
    app.database.texts(&sql).await
}

async fn status(app: &TestApp, deal: &Deal) -> String {
    app.database
        .texts(&format!("SELECT status FROM escrows WHERE id = '{}'", deal.id))
        .await
        .remove(0)
}

/// Their token opens nothing, and nothing comes of it.
async fn is_shut_out(who: &Person, deal: &Deal) {
    let why = json!({ "reason": "let me in" });
    for (step, body) in [
        ("seller-confirm-trade/", json!({})),
        ("buyer-confirm/", json!({})),
        ("release/", json!({})),
        ("seller-cancel/", why.clone()),
        ("buyer-cancel/", why.clone()),
        ("dispute/", why),
        ("pay/", json!({})),
    ] {
        who.client.post(&deal.path(step), body).await.expect_error(401, "TOKEN_INVALID");
    }
    who.client.get(&deal.path("credentials/")).await.expect_error(401, "TOKEN_INVALID");
    let body = Person::withdrawal(60_000, "8600533364098829");
    who.client.post("payments/withdrawal/create/", body).await.expect_error(401, "TOKEN_INVALID");
}

async fn wait(app: &TestApp, hours: u32) {
    app.advance(&format!("{hours} hours 1 second")).await;
    app.run_due_jobs().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_whose_buyer_is_banned_ends_by_its_timers_or_by_its_seller() {
    let app = TestApp::start().await;
    let story = Story::new(&app);
    let (silent, given_up, idle) =
        (story.handed_over().await, story.paid().await, story.paid().await);
    for deal in [&silent, &given_up, &idle] {
        ban(&app, &deal.buyer).await;
        is_shut_out(&deal.buyer, deal).await;
    }
    // The seller may go on as with anybody.
    given_up.seller.client.post_empty(&given_up.path("seller-cancel/")).await.expect(200);
    assert_eq!(status(&app, &given_up).await, "refunded");
    assert_eq!(has(&app, &given_up.buyer).await[0], "100000.00", "theirs, and it stays here");
    wait(&app, 72).await;
    assert_eq!(
        (status(&app, &silent).await, status(&app, &idle).await),
        ("delivered".into(), "refunded".into())
    );
    wait(&app, 24).await;
    assert_eq!(status(&app, &silent).await, "confirmed", "silence counts as receipt");
    assert_eq!(app.available(&silent.seller).await, "90000.00");
    assert_eq!(has(&app, &idle.buyer).await[0], "100000.00");
    is_shut_out(&idle.buyer, &idle).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_whose_seller_is_banned_gives_the_buyer_the_account_or_the_money() {
    let app = TestApp::start().await;
    let story = Story::new(&app);
    let (asked, idle, delivered) =
        (story.paid().await, story.paid().await, story.handed_over().await);
    for deal in [&asked, &idle, &delivered] {
        ban(&app, &deal.seller).await;
        is_shut_out(&deal.seller, deal).await;
    }
    delivered.buyer.client.get(&delivered.path("credentials/")).await.expect(200);
    delivered.buyer.client.post_empty(&delivered.path("buyer-confirm/")).await.expect(200);
    wait(&app, 24).await;
    assert_eq!(status(&app, &delivered).await, "confirmed");
    // Paid onto a balance that opens again only with the account: a fraud is for staff to stop before.
    assert_eq!(has(&app, &delivered.seller).await[0], "90000.00");
    is_shut_out(&delivered.seller, &delivered).await;
    asked.buyer.client.post_empty(&asked.path("buyer-cancel/")).await.expect(200);
    assert_eq!(app.available(&asked.buyer).await, "100000.00");
    wait(&app, 48).await;
    assert_eq!(status(&app, &idle).await, "refunded");
    assert_eq!(app.available(&idle.buyer).await, "100000.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_stop_and_decide_a_deal_of_banned_people() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let story = Story::new(&app);
    for (decision, body, shares) in [
        ("refund", json!({}), ["100000.00", "0.00"]),
        ("complete", json!({}), ["0.00", "90000.00"]),
        (
            "resolve-dispute",
            json!({ "winner": "buyer", "note": "half", "refund_amount": "50000.00" }),
            ["50000.00", "45000.00"],
        ),
    ] {
        let deal = story.delivered().await;
        for party in [&deal.buyer, &deal.seller] {
            ban(&app, party).await;
        }
        let trade = |verb: &str| format!("admin-panel/trades/{}/{verb}/", deal.id);
        let why = json!({ "reason": "both are under suspicion" });
        staff.client.post(&trade("dispute"), why).await.expect(200);
        wait(&app, 100).await;
        assert_eq!(status(&app, &deal).await, "disputed", "nobody is paid meanwhile");
        staff.client.post(&trade(decision), body).await.expect(200);
        let theirs =
            [has(&app, &deal.buyer).await.remove(0), has(&app, &deal.seller).await.remove(0)];
        assert_eq!(theirs, shares, "{decision}");
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_trades_anew_with_who_is_banned_and_a_late_payment_is_not_lost() {
    let app = TestApp::start().await;
    let story = Story::new(&app);
    let (seller, buyer, other) =
        (app.person("seller").await, app.person("buyer").await, app.person("other").await);
    let (one, two) = (story.listed(&seller).await, story.listed(&app.person("seller").await).await);
    app.fund(&other, 200_000).await;
    let body = json!({ "listing_id": two, "payment_method": "payme" });
    let waiting = buyer.client.post("payments/purchase/", body).await.expect(201);
    for who in [&seller, &buyer] {
        ban(&app, who).await;
    }
    let refused = other.client.post("payments/purchase/", json!({ "listing_id": one })).await;
    refused.expect_error(409, "LISTING_UNAVAILABLE");
    // The payer was on Payme's page already: the deal that was made is paid.
    app.payme().pay(waiting.text_at("/transaction_id"), 10_000_000).await;
    let deal = format!("SELECT status FROM escrows WHERE id = '{}'", waiting.text_at("/id"));
    assert_eq!(app.database.texts(&deal).await, ["paid"]);
    wait(&app, 72).await;
    assert_eq!(app.database.texts(&deal).await, ["refunded"]);
    assert_eq!(has(&app, &buyer).await[0], "100000.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_party_is_paid_and_refunded_and_spends_nothing() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let story = Story::new(&app);
    let (sale, refund) = (story.delivered().await, story.paid().await);
    for who in [&sale.seller, &sale.buyer, &refund.buyer, &refund.seller] {
        let freeze = format!("admin-panel/users/{}/freeze-balance/", who.id);
        staff.client.post(&freeze, json!({ "reason": "under suspicion" })).await.expect(200);
    }
    // They act as before: only their money is held.
    refund.seller.client.post_empty(&refund.path("seller-cancel/")).await.expect(200);
    wait(&app, 24).await;
    assert_eq!(status(&app, &sale).await, "confirmed");
    assert_eq!(app.available(&sale.seller).await, "90000.00");
    assert_eq!(app.available(&refund.buyer).await, "100000.00");
    for (who, sum) in [(&sale.seller, 90_000), (&refund.buyer, 100_000)] {
        let body = Person::withdrawal(sum, "8600533364098829");
        let refused = who.client.post("payments/withdrawal/create/", body).await;
        refused.expect_error(409, "ACCOUNT_FROZEN");
        let listing = story.listed(&app.person("seller").await).await;
        let refused = who.client.post("payments/purchase/", json!({ "listing_id": listing })).await;
        assert!(
            matches!(refused.code(), "ACCOUNT_FROZEN" | "INSUFFICIENT_FUNDS"),
            "{}",
            refused.text
        );
    }
    assert_eq!(app.available(&sale.seller).await, "90000.00");
    assert_eq!(app.available(&refund.buyer).await, "100000.00");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payout_of_somebody_banned_waits_until_staff_have_decided() {
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[("WITHDRAWAL_HOLD", "0s")]).await;
    let staff = app.staff().await;
    let mut asked = Vec::new();
    for _ in 0..2 {
        let owner = app.person("owner").await;
        app.fund(&owner, 60_000).await;
        let body = Person::withdrawal(60_000, "8600533364098829");
        let withdrawal = owner.client.post("payments/withdrawal/create/", body).await.expect(201);
        ban(&app, &owner).await;
        asked.push((owner, withdrawal.text_at("/id").to_owned()));
    }
    for _ in 0..3 {
        wait(&app, 5).await;
    }
    assert!(acquirer.multicard.payouts().is_empty(), "what is out never comes back");
    for (owner, _) in &asked {
        assert_eq!(has(&app, owner).await, ["0.00", "60000.00"]);
    }
    let (rejected, released) = (&asked[0], &asked[1]);
    let path = format!("payments/withdrawal/{}/reject/", rejected.1);
    staff.client.post(&path, json!({ "reason": "banned" })).await.expect(200);
    assert_eq!(has(&app, &rejected.0).await, ["60000.00", "0.00"]);
    let unban = format!("UPDATE users SET is_active = true WHERE id = '{}'", released.0.id);
    app.database.execute(&unban).await;
    wait(&app, 2).await;
    assert_eq!(has(&app, &released.0).await, ["0.00", "0.00"]);
    let paid: Vec<String> =
        acquirer.multicard.payouts().into_iter().map(|paid| paid.invoice_id).collect();
    assert_eq!(paid, std::slice::from_ref(&released.1));
    let shown = staff.client.get("payments/withdrawals/?admin=true").await.expect(200);
    assert_eq!(shown.at("/count"), &Value::from(2));
    app.finish().await;
}
