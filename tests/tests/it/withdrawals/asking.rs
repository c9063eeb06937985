//! Asking: what is accepted, what waits, and what is refused without a trace.

use serde_json::{Value, json};
use tests::{Person, TestApp};

use super::{HUMO, UZCARD, ask, balance, money, platform, rich, status};

async fn nothing_happened(app: &TestApp, person: &Person) {
    assert_eq!(balance(person).await, money("100000.00", "0.00"));
    assert_eq!(app.database.number("SELECT count(*) FROM withdrawals").await, 0);
    let journals = "SELECT count(*) FROM ledger.journal WHERE kind LIKE 'withdraw%'";
    assert_eq!(app.database.number(journals).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_right_is_refused_by_its_field() {
    let (_acquirer, app) = platform(&[]).await;
    let person = rich(&app, 100_000).await;
    let with = |name: &str, value: Value| {
        let mut body = Person::withdrawal(50_000, UZCARD);
        body[name] = value;
        body
    };
    for (body, field) in [
        (with("amount", json!(9_999.99)), "amount"),
        (with("amount", json!("10000000.01")), "amount"),
        (with("amount", json!(0)), "amount"),
        (with("amount", json!(-50_000)), "amount"),
        (with("amount", json!(50_000.005)), "amount"),
        (with("amount", json!("5e4")), "amount"),
        (with("amount", json!(" 50000")), "amount"),
        (with("amount", json!(null)), "amount"),
        (with("card_number", json!("8600533364098828")), "card_number"),
        (with("card_number", json!("860053336409882")), "card_number"),
        (with("card_number", json!("86005333640988290")), "card_number"),
        (with("card_number", json!("8600 5333 6409 8829")), "card_number"),
        (with("card_number", json!("860053336409882x")), "card_number"),
        (with("card_number", json!("1234567812345670")), "card_number"),
        (with("card_number", json!("")), "card_number"),
        (with("card_number", json!(8_600_533_364_098_829_i64)), "card_number"),
        (with("card_number", json!(HUMO)), "card_type"),
        (with("card_number", json!("4111111111111111")), "card_type"),
        (with("card_type", json!("visa")), "card_type"),
        (with("card_type", json!("mastercard")), "card_type"),
        (with("card_type", json!("bitcoin")), "card_type"),
        (with("card_holder_name", json!("")), "card_holder_name"),
        (with("card_holder_name", json!(UZCARD)), "card_holder_name"),
        (with("card_holder_name", json!("=HYPERLINK(1)")), "card_holder_name"),
        (with("card_holder_name", json!("A".repeat(65))), "card_holder_name"),
        (with("card_holder_name", json!("A\u{0}B")), "card_holder_name"),
        (with("currency", json!("USD")), "currency"),
        (with("status", json!("completed")), "status"),
        (json!({}), "card_number"),
    ] {
        let answer = person.client.post("payments/withdrawal/create/", body.clone()).await;
        let answer = answer.expect_error(400, "VALIDATION_ERROR");
        assert!(answer.json["error"]["details"][field].is_array(), "{body}: {}", answer.text);
        assert!(!answer.text.contains("8600"), "the number is not repeated: {}", answer.text);
    }
    for (body, field) in [
        (json!({ "amount": 50_000 }), "destination"),
        (json!({ "amount": 50_000, "payment_method": "uzcard" }), "destination"),
        (json!({ "amount": 50_000, "destination": "4111111111111111" }), "destination"),
        (json!({ "amount": 50_000, "destination": UZCARD, "payment_method": "humo" }), "card_type"),
        (
            json!({ "amount": 50_000, "destination": UZCARD, "payment_method": "payme" }),
            "payment_method",
        ),
    ] {
        let answer = person.client.post("payments/withdraw/", body.clone()).await;
        let answer = answer.expect_error(400, "VALIDATION_ERROR");
        assert!(answer.json["error"]["details"][field].is_array(), "{body}: {}", answer.text);
    }
    nothing_happened(&app, &person).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_somebody_with_the_money_may_ask_for_it() {
    let (_acquirer, app) = platform(&[]).await;
    let person = rich(&app, 100_000).await;
    let body = Person::withdrawal(50_000, UZCARD);
    let path = "payments/withdrawal/create/";
    app.client.post(path, body.clone()).await.expect_error(401, "NOT_AUTHENTICATED");
    let unverified = app.unverified("new").await;
    unverified.client.post(path, body.clone()).await.expect_error(403, "EMAIL_NOT_VERIFIED");
    let banned = app.person("banned").await;
    let ban = format!("UPDATE users SET is_active = false WHERE id = '{}'", banned.id);
    app.database.execute(&ban).await;
    banned.client.post(path, body.clone()).await.expect(401);
    let poor = app.person("poor").await;
    poor.client.post(path, body).await.expect_error(402, "INSUFFICIENT_FUNDS");
    ask(&person, 100_001, UZCARD).await.expect_error(402, "INSUFFICIENT_FUNDS");
    nothing_happened(&app, &person).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_specifications_words_mean_the_same() {
    let (_acquirer, app) = platform(&[]).await;
    let person = rich(&app, 100_000).await;
    let body = json!({ "amount": "50000.00", "destination": UZCARD });
    let first = person.client.post("payments/withdraw/", body.clone()).await.expect(201);
    assert_eq!(first.text_at("/card_type"), "uzcard");
    let again = person.client.post("payments/withdraw/", body).await.expect(200);
    let ui = ask(&person, 50_000, UZCARD).await.expect(200);
    assert_eq!(first.text_at("/id"), again.text_at("/id"));
    assert_eq!(first.text_at("/id"), ui.text_at("/id"), "one amount to one card is one withdrawal");
    ask(&person, 20_000, UZCARD).await.expect(201);
    ask(&person, 20_000, HUMO).await.expect(201);
    app.run_due_jobs().await;
    app.advance("121 seconds").await;
    let later = ask(&person, 10_000, UZCARD).await.expect(201);
    app.advance("121 seconds").await;
    ask(&person, 10_000, UZCARD).await.expect_error(402, "INSUFFICIENT_FUNDS");
    let cancel = format!("payments/withdrawals/{}/cancel/", later.text_at("/id"));
    person.client.post_empty(&cancel).await.expect(200);
    person.client.post_empty(&cancel).await.expect(200);
    let next = ask(&person, 10_000, UZCARD).await.expect(201);
    assert_ne!(next.text_at("/id"), later.text_at("/id"), "the cancelled one is over");
    app.run_due_jobs().await;
    assert_eq!(balance(&person).await, money("0.00", "0.00"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_has_its_limit_and_what_was_cancelled_does_not_count() {
    let (_acquirer, app) = platform(&[("WITHDRAWAL_DAILY_MAX", "100000")]).await;
    let person = rich(&app, 500_000).await;
    let first = ask(&person, 60_000, UZCARD).await.expect(201);
    let refused = ask(&person, 40_001, UZCARD).await.expect_error(409, "LIMIT_REACHED");
    assert_eq!(refused.text_at("/error/details/used"), "60000.00");
    ask(&person, 40_000, UZCARD).await.expect(201);
    let cancel = format!("payments/withdrawals/{}/cancel/", first.text_at("/id"));
    person.client.post_empty(&cancel).await.expect(200);
    ask(&person, 60_000, HUMO).await.expect(201);
    app.run_due_jobs().await;
    ask(&person, 10_000, UZCARD).await.expect_error(409, "LIMIT_REACHED");
    app.advance("24 hours 1 minute").await;
    ask(&person, 10_000, UZCARD).await.expect(201);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_card_and_a_new_password_make_money_wait_a_day() {
    let (_acquirer, app) = platform(&[("WITHDRAWAL_HOLD", "24h")]).await;
    let person = rich(&app, 300_000).await;
    let first = ask(&person, 50_000, UZCARD).await.expect(201);
    app.run_due_jobs().await;
    assert_eq!(
        status(&person, first.text_at("/id")).await,
        "pending",
        "nobody was ever paid there"
    );
    app.advance("23 hours 59 minutes").await;
    app.run_due_jobs().await;
    assert_eq!(status(&person, first.text_at("/id")).await, "pending");
    app.advance("2 minutes").await;
    app.run_due_jobs().await;
    assert_eq!(status(&person, first.text_at("/id")).await, "completed");
    let second = ask(&person, 50_000, UZCARD).await.expect(201);
    app.run_due_jobs().await;
    assert_eq!(status(&person, second.text_at("/id")).await, "completed", "the card is known now");
    let change = "UPDATE users SET password_changed_at = app_now() - interval '20 hours' WHERE id";
    app.database.execute(&format!("{change} = '{}'", person.id)).await;
    let third = ask(&person, 60_000, UZCARD).await.expect(201);
    app.advance("3 hours").await;
    app.run_due_jobs().await;
    assert_eq!(status(&person, third.text_at("/id")).await, "pending");
    app.advance("1 hour 1 minute").await;
    app.run_due_jobs().await;
    assert_eq!(status(&person, third.text_at("/id")).await, "completed");
    app.finish().await;
}
