//! Subscriptions: what is paid for which time, whatever is clicked, killed, or raced.

mod buying;
mod effects;
mod ends;
mod model;
mod races;
mod staff;

use serde_json::json;
use tests::{Person, Reply, TestApp};

/// Buys a plan; `period` is `monthly` or `yearly`.
async fn buy(person: &Person, plan: &str, period: &str) -> Reply {
    let body = json!({ "plan_slug": plan, "period": period });
    person.client.post("subscriptions/purchase/", body).await
}

/// Somebody with money who has just bought a plan for a month.
async fn subscriber(app: &TestApp, plan: &str, soum: i64) -> Person {
    let person = app.person("subscriber").await;
    app.fund(&person, soum).await;
    buy(&person, plan, "monthly").await.expect(201);
    person
}

/// What a person has.
async fn mine(person: &Person) -> Reply {
    person.client.get("subscriptions/my/").await.expect(200)
}

/// The plan a person has now, and the status of their subscription.
async fn standing(person: &Person) -> (String, String) {
    let mine = mine(person).await;
    (mine.text_at("/plan/slug").to_owned(), mine.text_at("/data/status").to_owned())
}

/// Moves the clock to so long after the end of a person's period, such as `-3 days`.
async fn go_to_end(app: &TestApp, person: &Person, offset: &str) {
    let end = format!(
        "SELECT end_date FROM user_subscriptions WHERE user_id = '{}' ORDER BY created_at DESC LIMIT 1",
        person.id
    );
    let shift =
        format!("UPDATE app_clock SET shift = shift + (({end}) - app_now()) + interval '{offset}'");
    app.database.execute(&shift).await;
}

/// How many postings of subscriptions there are, of everybody.
async fn postings(app: &TestApp) -> i64 {
    app.database.number("SELECT count(*) FROM ledger.journal WHERE kind = 'subscription'").await
}

/// The steps of a person's subscriptions in the audit, oldest first.
async fn audit(app: &TestApp, person: &Person) -> Vec<String> {
    let sql = format!(
        "SELECT replace(a.action, 'subscription.', '') FROM audit_log a
         JOIN user_subscriptions s ON a.object_type = 'subscription' AND a.object_id = s.id::text
         WHERE s.user_id = '{}' ORDER BY a.id",
        person.id
    );
    app.database.texts(&sql).await
}
