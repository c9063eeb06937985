//! Buying: the first plan, a better one, a lesser one, and what is refused.

use serde_json::{Value, json};
use tests::{Person, TestApp};

use super::{audit, buy, go_to_end, mine, postings, standing, subscriber};

#[tokio::test]
async fn everybody_sees_the_plans_that_are_sold() {
    let app = TestApp::start().await;
    let plans = app.client.get("subscriptions/plans/").await.expect(200);
    let told = |field: &str| -> Vec<Value> {
        let plans = plans.at("/results").as_array().expect("a list");
        plans.iter().map(|plan| plan[field].clone()).collect()
    };
    assert_eq!(told("slug"), ["free", "premium", "pro"]);
    assert_eq!(told("price_monthly"), ["0.00", "49000.00", "99000.00"]);
    assert_eq!(told("price_yearly"), ["0.00", "490000.00", "990000.00"]);
    assert_eq!(told("commission_rate"), ["0.10", "0.08", "0.05"]);
    assert!(plans.at("/results/2/features").as_array().expect("a list").len() > 5);
    app.database
        .execute("UPDATE subscription_plans SET is_active = false WHERE slug = 'pro'")
        .await;
    assert_eq!(app.client.get("subscriptions/plans/").await.expect(200).at("/count"), 2);
    app.finish().await;
}

#[tokio::test]
async fn a_plan_is_paid_from_the_balance_at_once_and_shown_with_all_it_brings() {
    let app = TestApp::start().await;
    let person = app.person("ali").await;
    let before = mine(&person).await;
    assert_eq!((before.text_at("/plan/slug"), before.at("/data")), ("free", &Value::Null));
    app.fund(&person, 150_000).await;
    let bought = buy(&person, "pro", "monthly").await.expect(201);
    assert_eq!(app.available(&person).await, "51000.00");
    let mine = mine(&person).await;
    assert_eq!(mine.at("/data"), &bought.json);
    assert_eq!((mine.text_at("/plan/slug"), mine.text_at("/commission_rate")), ("pro", "0.05"));
    for (field, value) in [
        ("/status", json!("active")),
        ("/auto_renew", json!(true)),
        ("/billing_period", json!("monthly")),
        ("/next_charge/amount", json!("99000.00")),
        ("/next_charge/at", bought.at("/end_date").clone()),
        ("/personal_manager/name", json!("WibeStore Pro")),
        ("/payment_history/0/amount", json!("99000.00")),
        ("/payment_history/0/credit", json!("0.00")),
    ] {
        assert_eq!(bought.at(field), &value, "{field}");
    }
    let month = "SELECT end_date = (start_date AT TIME ZONE 'Asia/Tashkent' + interval '1 month') AT TIME ZONE 'Asia/Tashkent'
                        AND rights_until = end_date + interval '24 hours' FROM user_subscriptions";
    assert_eq!(app.database.texts(month).await, ["true"]);
    let paid = person.client.get("payments/transactions/?type=subscription").await.expect(200);
    assert_eq!(paid.at("/count"), 1);
    assert_eq!(
        (paid.text_at("/results/0/amount"), paid.text_at("/results/0/status")),
        ("99000.00", "completed")
    );
    assert_eq!(paid.at("/results/0/id"), bought.at("/payment_history/0/transaction_id"));
    let me = person.client.get("auth/me/").await.expect(200);
    assert_eq!((me.text_at("/plan"), me.at("/is_pro")), ("pro", &json!(true)));
    assert_eq!(audit(&app, &person).await, ["purchased"]);
    app.finish().await;
}

#[tokio::test]
async fn the_ui_may_name_a_plan_by_its_id_and_a_period_by_another_name() {
    let app = TestApp::start().await;
    let person = app.person("ali").await;
    app.fund(&person, 500_000).await;
    let plans = app.client.get("subscriptions/plans/").await.expect(200);
    let body = json!({ "plan_id": plans.at("/results/1/id"), "billing_period": "yearly", "auto_renew": false });
    let bought = person.client.post("subscriptions/purchase/", body).await.expect(201);
    assert_eq!(bought.text_at("/billing_period"), "yearly");
    assert_eq!(
        (bought.at("/auto_renew"), bought.at("/next_charge")),
        (&json!(false), &Value::Null)
    );
    assert_eq!(app.available(&person).await, "10000.00");
    go_to_end(&app, &person, "-1 minute").await;
    assert_eq!(standing(&person).await.0, "premium");
    app.advance("1 minute").await;
    assert_eq!(standing(&person).await, ("free".to_owned(), "expired".to_owned()), "no grace");
    app.run_due_jobs().await;
    assert_eq!(postings(&app).await, 1);
    app.finish().await;
}

/// What the database makes of the last payment: the rest of the period before, floored to the tiyin.
async fn expected_credit(app: &TestApp, person: &Person) -> String {
    let sql = format!(
        "SELECT trunc((a ->> 'price')::numeric
             * extract(epoch FROM (a ->> 'period_end')::timestamptz - (b ->> 'period_start')::timestamptz)
             / extract(epoch FROM (a ->> 'period_end')::timestamptz - (a ->> 'period_start')::timestamptz), 2)
         FROM (SELECT payment_history -> -2 AS a, payment_history -> -1 AS b FROM user_subscriptions WHERE user_id = '{}') AS h",
        person.id
    );
    app.database.texts(&sql).await.remove(0)
}

#[tokio::test]
async fn an_upgrade_begins_at_once_and_the_rest_of_the_old_period_counts() {
    let app = TestApp::start().await;
    for (has, passed, wants, price) in [
        (("premium", "monthly"), "0 days", ("pro", "monthly"), 99_000),
        (("premium", "monthly"), "10 days 07:11:13", ("pro", "monthly"), 99_000),
        (("premium", "monthly"), "27 days", ("pro", "yearly"), 990_000),
        (("premium", "monthly"), "3 days", ("premium", "yearly"), 490_000),
        (("premium", "yearly"), "100 days", ("pro", "yearly"), 990_000),
        (("premium", "yearly"), "330 days", ("pro", "monthly"), 99_000),
    ] {
        let person = app.person("ali").await;
        app.fund(&person, 2_000_000).await;
        let first = buy(&person, has.0, has.1).await.expect(201);
        app.advance(passed).await;
        let second = buy(&person, wants.0, wants.1).await.expect(201);
        let what = format!("{has:?} to {wants:?} after {passed}");
        assert_eq!(second.at("/id"), first.at("/id"), "{what}: the same subscription");
        let credit = second.text_at("/payment_history/1/credit");
        assert_eq!(credit, expected_credit(&app, &person).await, "{what}");
        assert_ne!(credit, "0.00", "{what}");
        let sums = format!(
            "SELECT ({price} - '{credit}'::numeric)::text || ' '
                    || 2000000 - '{}'::numeric - ({price} - '{credit}'::numeric)",
            first.text_at("/payment_history/0/amount")
        );
        let sums = app.database.texts(&sums).await.remove(0);
        let (amount, left) = sums.split_once(' ').expect("two");
        assert_eq!(second.text_at("/payment_history/1/amount"), amount, "{what}");
        assert_eq!(app.available(&person).await, left, "{what}");
        assert_eq!(mine(&person).await.text_at("/plan/slug"), wants.0, "{what}");
        let again = buy(&person, wants.0, wants.1).await.expect(200);
        assert_eq!(again.json, second.json, "{what}: the same click");
        app.run_due_jobs().await;
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_worth_more_than_the_new_period_is_not_thrown_away() {
    let app = TestApp::start().await;
    let person = app.person("ali").await;
    app.fund(&person, 1_000_000).await;
    let first = buy(&person, "premium", "yearly").await.expect(201);
    let refused = buy(&person, "pro", "monthly").await.expect_error(400, "VALIDATION_ERROR");
    assert!(refused.at("/error/details/period").is_array());
    assert_eq!(app.available(&person).await, "510000.00");
    assert_eq!(mine(&person).await.at("/data"), &first.json);
    app.finish().await;
}

#[tokio::test]
async fn a_lesser_plan_begins_when_what_is_paid_has_ended() {
    let app = TestApp::start().await;
    let person = subscriber(&app, "pro", 99_000 + 49_000).await;
    let planned = buy(&person, "premium", "monthly").await.expect(200);
    let again = buy(&person, "premium", "monthly").await.expect(200);
    assert_eq!(planned.json, again.json);
    assert_eq!(planned.text_at("/plan/slug"), "pro");
    assert_eq!(
        (planned.text_at("/next_charge/plan"), planned.text_at("/next_charge/amount")),
        ("premium", "49000.00")
    );
    assert_eq!(app.available(&person).await, "49000.00");
    let kept = buy(&person, "pro", "monthly").await.expect(200);
    assert_eq!(kept.text_at("/next_charge/plan"), "pro", "a change of mind");
    buy(&person, "premium", "monthly").await.expect(200);
    go_to_end(&app, &person, "-1 second").await;
    app.run_due_jobs().await;
    assert_eq!(mine(&person).await.text_at("/commission_rate"), "0.05");
    app.advance("2 seconds").await;
    app.run_due_jobs().await;
    let mine = mine(&person).await;
    assert_eq!(mine.text_at("/commission_rate"), "0.08");
    assert_eq!(
        (mine.text_at("/data/plan/slug"), mine.text_at("/data/next_charge/plan")),
        ("premium", "premium")
    );
    assert_eq!(app.available(&person).await, "0.00");
    let steps = ["purchased", "change_planned", "kept", "change_planned", "renewed"];
    assert_eq!(audit(&app, &person).await, steps);
    app.finish().await;
}

#[tokio::test]
async fn a_balance_that_is_short_buys_nothing_and_changes_nothing() {
    let app = TestApp::start().await;
    let person = app.person("ali").await;
    app.fund(&person, 48_999).await;
    let refused = buy(&person, "premium", "monthly").await.expect_error(402, "INSUFFICIENT_FUNDS");
    assert_eq!(refused.text_at("/error/details/amount"), "49000.00");
    assert_eq!(app.database.number("SELECT count(*) FROM user_subscriptions").await, 0);
    app.fund(&person, 1_000).await;
    buy(&person, "premium", "monthly").await.expect(201);
    let before = mine(&person).await;
    buy(&person, "pro", "monthly").await.expect_error(402, "INSUFFICIENT_FUNDS");
    assert_eq!(mine(&person).await.json, before.json);
    assert_eq!(app.available(&person).await, "999.00");
    assert_eq!(postings(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_bought_is_refused_by_name() {
    let app = TestApp::start().await;
    let (person, unproved) = (app.person("ali").await, app.unverified("vali").await);
    app.fund(&person, 2_000_000).await;
    app.database
        .execute(
            "INSERT INTO subscription_plans (id, name, slug, price_monthly, price_yearly, commission_rate_bp, is_active)
             VALUES (gen_random_uuid(), 'Old', 'old', 1000, 10000, 900, false)",
        )
        .await;
    let path = "subscriptions/purchase/";
    for (body, field) in [
        (json!({}), "plan_id"),
        (json!({ "plan_slug": "free" }), "plan_slug"),
        (json!({ "plan_id": "free" }), "plan_id"),
        (json!({ "plan_slug": "platinum" }), "plan_slug"),
        (json!({ "plan_slug": "old" }), "plan_slug"),
        (json!({ "plan_id": uuid::Uuid::new_v4() }), "plan_id"),
        (json!({ "plan_id": "premium", "plan_slug": "premium" }), "plan_slug"),
        (json!({ "plan_slug": "' OR 1=1 --" }), "plan_slug"),
        (json!({ "plan_slug": "" }), "plan_slug"),
        (json!({ "plan_slug": "x".repeat(51) }), "plan_slug"),
        (json!({ "plan_slug": "pre\u{0}mium" }), "plan_slug"),
        (json!({ "plan_slug": 1 }), "plan_slug"),
        (json!({ "plan_slug": "premium", "period": "weekly" }), "period"),
        (json!({ "plan_slug": "premium", "period": "MONTHLY" }), "period"),
        (
            json!({ "plan_slug": "premium", "period": "yearly", "billing_period": "monthly" }),
            "billing_period",
        ),
        (json!({ "plan_slug": "premium", "auto_renew": "yes" }), "auto_renew"),
        (json!({ "plan_slug": "premium", "price": 1 }), "price"),
        (json!({ "plan_slug": "premium", "amount": "0.01" }), "amount"),
        (json!({ "plan_slug": "premium", "user_id": unproved.id }), "user_id"),
    ] {
        let reply = person.client.post(path, body.clone()).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        assert!(
            reply.json.pointer(&format!("/error/details/{field}")).is_some(),
            "{body}: {}",
            reply.text
        );
    }
    for body in [json!([]), json!("premium"), json!(null)] {
        person.client.post(path, body).await.expect_error(400, "VALIDATION_ERROR");
    }
    buy(&unproved, "premium", "monthly").await.expect_error(403, "EMAIL_NOT_VERIFIED");
    let body = json!({ "plan_slug": "premium" });
    app.client.post(path, body).await.expect_error(401, "NOT_AUTHENTICATED");
    assert_eq!(app.available(&person).await, "2000000.00");
    assert_eq!(app.database.number("SELECT count(*) FROM user_subscriptions").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn only_ones_own_subscription_is_cancelled_and_as_often_as_one_likes() {
    let app = TestApp::start().await;
    let (person, other) = (subscriber(&app, "premium", 49_000).await, app.person("other").await);
    let id = mine(&person).await.text_at("/data/id").to_owned();
    let path = format!("subscriptions/{id}/cancel/");
    other.client.post_empty(&path).await.expect_error(404, "NOT_FOUND");
    other.client.post_empty("subscriptions/cancel/").await.expect_error(404, "NOT_FOUND");
    other.client.post_empty("subscriptions/resume/").await.expect_error(404, "NOT_FOUND");
    person.client.post_empty("subscriptions/nonsense/cancel/").await.expect_error(404, "NOT_FOUND");
    app.client.post_empty(&path).await.expect_error(401, "NOT_AUTHENTICATED");
    let long = json!({ "reason": "x".repeat(2_001) });
    person.client.post(&path, long).await.expect_error(400, "VALIDATION_ERROR");
    let reason = json!({ "reason": "too dear" });
    let cancelled = person.client.post(&path, reason).await.expect(200);
    assert_eq!(
        (cancelled.text_at("/status"), cancelled.text_at("/cancel_reason")),
        ("cancelled", "too dear")
    );
    assert_eq!(cancelled.at("/next_charge"), &Value::Null);
    let again = person.client.post_empty("subscriptions/cancel/").await.expect(200);
    assert_eq!(again.json, cancelled.json);
    let bought = buy(&person, "premium", "monthly").await.expect(200);
    assert_eq!(bought.text_at("/status"), "cancelled", "a late click does not undo it");
    let resumed = person.client.post_empty("subscriptions/resume/").await.expect(200);
    assert_eq!((resumed.text_at("/status"), resumed.at("/auto_renew")), ("active", &json!(true)));
    person.client.post_empty("subscriptions/resume/").await.expect(200);
    person.client.post_empty(&path).await.expect(200);
    let body = json!({ "plan_slug": "premium", "auto_renew": true });
    let bought = person.client.post("subscriptions/purchase/", body).await.expect(200);
    assert_eq!(bought.text_at("/status"), "active", "who says so goes on");
    assert_eq!(
        audit(&app, &person).await,
        ["purchased", "cancelled", "resumed", "cancelled", "kept"]
    );
    assert_eq!(postings(&app).await, 1);
    app.finish().await;
}
