//! What a plan brings: a lower commission on new deals, badges, a place in front, and staff who look sooner.

use diesel_async::SimpleAsyncConnection as _;
use serde_json::json;
use tests::{Deal, Person, Story, TestApp};

use super::{buy, go_to_end, mine, subscriber};

/// What the platform keeps of a sale of 100,000.00 UZS that begins now, and the deal.
async fn sell(app: &TestApp, seller: &Person) -> (String, String) {
    // The same form within a minute would be the same listing.
    app.advance("2 minutes").await;
    let listing = Story::new(app).listed(seller).await;
    let buyer = app.person("buyer").await;
    app.fund(&buyer, 100_000).await;
    let body = json!({ "listing_id": listing });
    let deal = buyer.client.post("payments/purchase/", body).await.expect(201);
    (deal.text_at("/commission_amount").to_owned(), deal.text_at("/id").to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commission_follows_the_plan_and_open_deals_keep_theirs() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    app.fund(&seller, 49_000 + 99_000).await;
    let (free, first) = sell(&app, &seller).await;
    buy(&seller, "premium", "monthly").await.expect(201);
    let (premium, second) = sell(&app, &seller).await;
    buy(&seller, "pro", "monthly").await.expect(201);
    let (pro, third) = sell(&app, &seller).await;
    assert_eq!([free, premium, pro], ["10000.00", "8000.00", "5000.00"]);
    go_to_end(&app, &seller, "23 hours").await;
    let (grace, _) = sell(&app, &seller).await;
    app.advance("1 hour 1 second").await;
    // No job has run: the rate is the clock's.
    let (over, _) = sell(&app, &seller).await;
    assert_eq!([grace, over], ["5000.00", "10000.00"]);
    for (id, kept) in [(first, "10000.00"), (second, "8000.00"), (third, "5000.00")] {
        let deal = seller.client.get(&format!("payments/escrow/{id}/")).await.expect(200);
        assert_eq!(deal.text_at("/commission_amount"), kept, "what was agreed stays");
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn listings_of_subscribers_come_first_and_wear_a_badge_while_the_plan_runs() {
    let app = TestApp::start().await;
    let (plain, seller) = (app.person("plain").await, subscriber(&app, "pro", 99_000).await);
    let premium = Story::new(&app).listed(&seller).await;
    app.advance("1 minute").await;
    let newer = Story::new(&app).listed(&plain).await;
    let ids = |reply: &tests::Reply| -> Vec<String> {
        let rows = reply.at("/results").as_array().expect("a list");
        rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
    };
    for (query, expected) in [
        ("", vec![&premium, &newer]),
        ("?search=Conqueror", vec![&premium, &newer]),
        ("?ordering=-created_at", vec![&newer, &premium]),
        ("?is_premium=true", vec![&premium]),
        ("?is_premium=false", vec![&newer]),
    ] {
        let list = app.client.get(&format!("listings/{query}")).await.expect(200);
        assert_eq!(ids(&list).iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let shown = app.client.get(&format!("listings/{premium}/")).await.expect(200);
    assert_eq!(
        (shown.at("/is_premium"), shown.text_at("/seller/plan"), shown.at("/seller/is_pro")),
        (&json!(true), "pro", &json!(true))
    );
    go_to_end(&app, &seller, "23 hours").await;
    let list = app.client.get("listings/").await.expect(200);
    assert_eq!(ids(&list), [premium.clone(), newer.clone()], "the grace");
    app.advance("1 hour 1 second").await;
    let list = app.client.get("listings/").await.expect(200);
    assert_eq!(ids(&list), [newer, premium.clone()], "by the clock, before any job");
    let shown = app.client.get(&format!("listings/{premium}/")).await.expect(200);
    assert_eq!((shown.at("/is_premium"), shown.text_at("/seller/plan")), (&json!(false), "free"));
    let me = seller.client.get("auth/me/").await.expect(200);
    assert_eq!((me.text_at("/plan"), me.at("/is_premium")), ("free", &json!(false)));
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn pro_subscribers_have_a_manager_of_their_own() {
    let app = TestApp::start().await;
    let (pro, premium) =
        (subscriber(&app, "pro", 99_000).await, subscriber(&app, "premium", 49_000).await);
    let change = "UPDATE subscription_plans SET manager_name = 'Dilnoza', manager_contact = '+998901234567' WHERE slug = 'pro'";
    app.database.execute(change).await;
    let shown = mine(&pro).await;
    assert_eq!(
        shown.at("/data/personal_manager"),
        &json!({ "name": "Dilnoza", "contact": "+998901234567" })
    );
    assert!(mine(&premium).await.at("/data/personal_manager").is_null());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_see_the_disputes_of_pro_and_premium_subscribers_first() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let mut deals: Vec<Deal> = Vec::new();
    for plan in ["pro", "premium", "free", "free"] {
        let deal = Story::new(&app).delivered().await;
        if plan != "free" {
            app.fund(&deal.buyer, 99_000).await;
            buy(&deal.buyer, plan, "monthly").await.expect(201);
        }
        deals.push(deal);
    }
    // The last one is not disputed.
    for deal in deals.iter().take(3) {
        let reason = json!({ "reason": "the password is wrong" });
        deal.buyer.client.post(&deal.path("dispute/"), reason).await.expect(200);
    }
    let order = async |query: &str| -> Vec<usize> {
        let path = format!("admin-panel/trades/{query}");
        let list = staff.client.get(&path).await.expect(200);
        let rows = list.at("/results").as_array().expect("a list");
        let place = |id: &str| deals.iter().position(|deal| deal.id.to_string() == id);
        rows.iter().map(|row| place(row["id"].as_str().expect("an id")).expect("ours")).collect()
    };
    assert_eq!(order("").await, [0, 1, 3, 2]);
    assert_eq!(order("?status=disputed").await, [0, 1, 2]);
    assert_eq!(order("?ordering=-created_at").await, [3, 2, 1, 0]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn operators_see_who_subscribes_and_what_is_overdue() {
    let app = TestApp::start().await;
    let person = subscriber(&app, "pro", 99_000).await;
    let conn = &mut app.app.db.read().await.expect("connects");
    let shown = async |conn: &mut shared::Conn| {
        shared::subscriptions::measure(conn).await.expect("reads");
        let text = String::from_utf8(shared::telemetry::metrics::exposition()).expect("UTF-8");
        ["subscription_active_count{plan=\"pro\"} ", "subscription_expired_not_processed_count "]
            .map(|name| {
                let line = text.lines().find(|line| line.starts_with(name)).expect(name);
                line.replace(name, "")
            })
    };
    assert_eq!(shown(conn).await, ["1", "0"]);
    go_to_end(&app, &person, "11 minutes").await;
    assert_eq!(shown(conn).await, ["1", "1"]);
    app.run_due_jobs().await;
    assert_eq!(shown(conn).await, ["1", "0"], "it waits for the next attempt");
    app.finish().await;
}

#[tokio::test]
async fn a_payment_that_is_lost_doubled_or_changed_is_found_and_a_second_one_is_refused() {
    let app = TestApp::start().await;
    let person = subscriber(&app, "pro", 99_000).await;
    let history = "SELECT payment_history FROM user_subscriptions";
    let history = app.database.texts(history).await.remove(0);
    let restore = &format!("UPDATE user_subscriptions SET payment_history = '{history}'");
    for (change, undo) in [
        ("UPDATE user_subscriptions SET payment_history = '[]'", restore.as_str()),
        (
            "UPDATE user_subscriptions SET payment_history = payment_history || payment_history",
            restore,
        ),
        (
            "UPDATE user_subscriptions SET payment_history = jsonb_set(payment_history, '{0,amount}', '\"98999.99\"')",
            restore,
        ),
        (
            "UPDATE transactions SET amount = amount + 0.01 WHERE type = 'subscription'",
            "UPDATE transactions SET amount = amount - 0.01 WHERE type = 'subscription'",
        ),
        (
            "UPDATE transactions SET status = 'failed' WHERE type = 'subscription'",
            "UPDATE transactions SET status = 'completed' WHERE type = 'subscription'",
        ),
        (
            "UPDATE transactions SET metadata = metadata - 'reference' WHERE type = 'subscription'",
            "UPDATE transactions SET metadata = metadata || (SELECT payment_history -> 0 FROM user_subscriptions) WHERE type = 'subscription'",
        ),
    ] {
        app.database.execute(change).await;
        let found = shared::ledger::check(&app.app.db).await.expect("checks");
        let names: Vec<&str> = found.iter().map(|violation| violation.invariant).collect();
        assert!(names.contains(&"I18_period_paid_once"), "{change}: {names:?}");
        app.database.execute(undo).await;
        assert!(shared::ledger::check(&app.app.db).await.expect("checks").is_empty(), "{undo}");
    }
    let again = "INSERT INTO transactions (id, user_id, amount, type, status, metadata, processed_at)
                 SELECT gen_random_uuid(), user_id, amount, type, status, metadata, processed_at FROM transactions WHERE type = 'subscription'";
    let refused = app.database.owner().await.batch_execute(again).await;
    assert!(refused.is_err(), "a second transaction of a period");
    let second = format!(
        "INSERT INTO user_subscriptions (id, user_id, plan_id, status, start_date, end_date)
         SELECT gen_random_uuid(), '{}', plan_id, 'active', start_date, end_date FROM user_subscriptions",
        person.id
    );
    let refused = app.database.owner().await.batch_execute(&second).await;
    assert!(refused.is_err(), "a second running subscription of a person");
    app.finish().await;
}
