//! Staff give plans away and take them back.

use serde_json::{Value, json};
use tests::{Person, Reply, TestApp};

use super::{audit, buy, go_to_end, mine, postings, standing, subscriber};

async fn grant(staff: &Person, person: &Person, plan: &str, months: i64) -> Reply {
    let path = format!("admin-panel/users/{}/subscription/", person.id);
    staff.client.post(&path, json!({ "plan_slug": plan, "months": months })).await
}

#[tokio::test]
async fn a_gift_lasts_for_its_months_costs_nothing_and_is_not_renewed() {
    let app = TestApp::start().await;
    let (staff, person) = (app.staff().await, app.person("ali").await);
    app.fund(&person, 500_000).await;
    let given = grant(&staff, &person, "pro", 2).await.expect(200);
    for _ in 0..8 {
        assert_eq!(grant(&staff, &person, "pro", 2).await.expect(200).json, given.json);
    }
    assert_eq!(given.text_at("/subscription_plan"), "pro");
    let shown = mine(&person).await;
    assert_eq!(shown.at("/data"), given.at("/subscription"));
    assert_eq!(shown.text_at("/commission_rate"), "0.05");
    assert_eq!(shown.at("/data/next_charge"), &Value::Null);
    let months = "SELECT end_date = (start_date AT TIME ZONE 'Asia/Tashkent' + interval '2 months') AT TIME ZONE 'Asia/Tashkent' FROM user_subscriptions";
    assert_eq!(app.database.texts(months).await, ["true"]);
    go_to_end(&app, &person, "1 second").await;
    assert_eq!(standing(&person).await, ("free".to_owned(), "expired".to_owned()));
    app.run_due_jobs().await;
    assert_eq!(audit(&app, &person).await, ["granted", "expired"]);
    assert_eq!((app.available(&person).await.as_str(), postings(&app).await), ("500000.00", 0));
    app.finish().await;
}

#[tokio::test]
async fn what_was_given_or_bought_is_taken_back_by_the_free_plan() {
    let app = TestApp::start().await;
    let (staff, person) = (app.staff().await, subscriber(&app, "premium", 98_000).await);
    for _ in 0..3 {
        let revoked = grant(&staff, &person, "free", 0).await.expect(200);
        assert_eq!(revoked.text_at("/subscription_plan"), "free");
        assert_eq!(revoked.at("/subscription_expires_at"), &Value::Null);
    }
    assert_eq!(standing(&person).await, ("free".to_owned(), "expired".to_owned()));
    assert_eq!(app.available(&person).await, "49000.00", "no money moves");
    app.advance("40 days").await;
    app.run_due_jobs().await;
    assert_eq!(audit(&app, &person).await, ["purchased", "revoked"]);
    buy(&person, "premium", "monthly").await.expect(201);
    assert_eq!(app.available(&person).await, "0.00");
    app.finish().await;
}

#[tokio::test]
async fn a_gift_prolongs_what_was_bought_and_it_goes_on_being_renewed() {
    let app = TestApp::start().await;
    let (staff, person) = (app.staff().await, subscriber(&app, "premium", 98_000).await);
    let given = grant(&staff, &person, "premium", 3).await.expect(200);
    assert_eq!(given.at("/subscription/auto_renew"), &json!(true));
    go_to_end(&app, &person, "1 second").await;
    app.run_due_jobs().await;
    assert_eq!(standing(&person).await, ("premium".to_owned(), "active".to_owned()));
    assert_eq!(app.available(&person).await, "0.00");
    assert_eq!(audit(&app, &person).await, ["purchased", "granted", "renewed"]);
    app.finish().await;
}

#[tokio::test]
async fn a_gift_counts_for_nothing_when_another_plan_is_bought() {
    let app = TestApp::start().await;
    let (staff, person) = (app.staff().await, app.person("ali").await);
    app.fund(&person, 99_000).await;
    grant(&staff, &person, "premium", 12).await.expect(200);
    let bought = buy(&person, "pro", "monthly").await.expect(201);
    assert_eq!(bought.text_at("/payment_history/0/credit"), "0.00");
    assert_eq!(app.available(&person).await, "0.00");
    let replaced = grant(&staff, &person, "premium", 1).await.expect(200);
    assert_eq!(replaced.text_at("/subscription_plan"), "premium");
    assert_eq!(replaced.at("/subscription/auto_renew"), &json!(false));
    app.finish().await;
}

#[tokio::test]
async fn only_staff_give_only_what_there_is_and_not_to_themselves() {
    let app = TestApp::start().await;
    let (staff, person) = (app.staff().await, app.person("ali").await);
    for (plan, months, field) in [
        ("platinum", 1, "plan_slug"),
        ("", 1, "plan_slug"),
        ("free", 1, "months"),
        ("free", -1, "months"),
        ("pro", 0, "months"),
        ("pro", -1, "months"),
        ("pro", 37, "months"),
        ("pro", 99_999_999_999, "months"),
    ] {
        let reply = grant(&staff, &person, plan, months).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        let named = reply.json.pointer(&format!("/error/details/{field}"));
        assert!(named.is_some(), "{plan} {months}: {}", reply.text);
    }
    let path = format!("admin-panel/users/{}/subscription/", person.id);
    for body in [
        json!({ "plan_slug": "pro" }),
        json!({ "months": 1 }),
        json!({ "plan_slug": "pro", "months": "1" }),
        json!({ "plan_slug": "pro", "months": 1, "price": 0 }),
    ] {
        staff.client.post(&path, body).await.expect_error(400, "VALIDATION_ERROR");
    }
    let body = json!({ "plan_slug": "pro", "months": 1 });
    let nobody = format!("admin-panel/users/{}/subscription/", uuid::Uuid::new_v4());
    staff.client.post(&nobody, body.clone()).await.expect_error(404, "NOT_FOUND");
    let nonsense = "admin-panel/users/nonsense/subscription/";
    staff.client.post(nonsense, body.clone()).await.expect_error(404, "NOT_FOUND");
    person.client.post(&path, body.clone()).await.expect_error(403, "PERMISSION_DENIED");
    app.client.post(&path, body).await.expect_error(401, "NOT_AUTHENTICATED");
    grant(&staff, &staff, "pro", 1).await.expect_error(403, "PERMISSION_DENIED");
    assert_eq!(app.database.number("SELECT count(*) FROM user_subscriptions").await, 0);
    let superuser = app.superuser().await;
    grant(&superuser, &superuser, "pro", 1).await.expect(200);
    app.finish().await;
}
