//! Subscriptions: bought, renewed, ended, given and taken back.

use serde_json::json;
use tests::{LogLines, Person, TestApp};

use super::told;

/// Runs what is due a second after the end of a person's period.
async fn end(app: &TestApp, person: &Person) {
    let end = format!(
        "UPDATE app_clock SET shift = shift + ((SELECT max(end_date) FROM user_subscriptions WHERE user_id = '{}')
         - app_now()) + interval '1 second'",
        person.id
    );
    app.database.execute(&end).await;
    app.run_due_jobs().await;
}

#[tokio::test]
async fn every_step_of_a_subscription_is_logged_and_audited_by_one_name() {
    let (lines, _listening) = LogLines::listen();
    let app = TestApp::start().await;
    let (staff, person) = (app.staff().await, app.person("seller").await);
    app.fund(&person, 500_000).await;
    app.run_due_jobs().await;
    let post = async |path: &str| person.client.post_empty(path).await.expect(200);
    let give = async |plan: &str, months: i64| {
        let path = format!("admin-panel/users/{}/subscription/", person.id);
        staff.client.post(&path, json!({ "plan_slug": plan, "months": months })).await.expect(200)
    };
    let buy = json!({ "plan_slug": "premium", "period": "monthly" });
    let buy = person.client.post("subscriptions/purchase/", buy);
    let bought = ["subscription.purchased", "money.subscription"];
    told(&app, &lines, &bought, buy).await.expect(201);
    let renewed = ["subscription.renewed", "money.subscription"];
    told(&app, &lines, &renewed, end(&app, &person)).await;
    told(&app, &lines, &["subscription.cancelled"], post("subscriptions/cancel/")).await;
    told(&app, &lines, &["subscription.resumed"], post("subscriptions/resume/")).await;
    post("subscriptions/cancel/").await;
    told(&app, &lines, &["subscription.expired"], end(&app, &person)).await;
    told(&app, &lines, &["subscription.granted"], give("pro", 2)).await;
    told(&app, &lines, &["subscription.revoked"], give("free", 0)).await;

    let poor = app.person("poor").await;
    app.fund(&poor, 49_000).await;
    let buy = json!({ "plan_slug": "premium", "period": "monthly" });
    poor.client.post("subscriptions/purchase/", buy).await.expect(201);
    told(&app, &lines, &["subscription.unpaid"], end(&app, &poor)).await;
    app.finish().await;
}
