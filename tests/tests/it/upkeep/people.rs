//! Accounts that nobody proved to be theirs are closed.

use diesel_async::SimpleAsyncConnection as _;
use serde_json::json;
use shared::Money;
use shared::jobs::kinds::{CleanupUnverifiedUsers, EraseClosedAccounts};
use shared::payments::begin_deposit;
use tests::{Person, Story, TestApp, eventually, mail};

use super::{can_be_stopped, impatient, run, survives_a_kill, told};

async fn is_closed(app: &TestApp, person: &Person) -> bool {
    let closed = "deleted_at IS NOT NULL AND NOT is_active";
    let sql = format!("SELECT count(*) FROM users WHERE id = '{}' AND {closed}", person.id);
    app.database.number(&sql).await == 1
}

/// Somebody who registered eight days ago and never proved anything.
async fn forgotten(app: &TestApp, name: &str) -> Person {
    let person = app.unverified(name).await;
    let sql = "UPDATE users SET created_at = app_now() - interval '8 days' WHERE id = ";
    app.database.execute(&format!("{sql}'{}'", person.id)).await;
    person
}

/// So many of them.
async fn crowd(app: &TestApp, rows: u32) {
    app.database
        .execute(&format!(
            "INSERT INTO users (id, email, created_at)
             SELECT gen_random_uuid(), 'forgotten-' || n || '@example.uz', app_now() - interval '8 days' FROM generate_series(1, {rows}) AS n"
        ))
        .await;
}

/// How many accounts were closed, and how many times somebody wrote that down.
async fn closings(app: &TestApp) -> (i64, i64) {
    let written =
        "SELECT count(*) FROM audit_log WHERE action = 'user.closed_unproven' AND actor = 'system'";
    let closed = "SELECT count(*) FROM users WHERE deleted_at IS NOT NULL";
    (app.database.number(closed).await, app.database.number(written).await)
}

#[tokio::test]
async fn an_unproven_account_is_closed_after_a_week_and_its_names_are_free() {
    let app = TestApp::start().await;
    let form = json!({ "email": "lost@example.uz", "password": "Correct-horse-7", "username": "lost",
                       "phone_number": "+998901234567", "language": "en" });
    let first = app.client.post("auth/register/", form.clone()).await.expect(201);
    let me = app.client.with_token(first.text_at("/tokens/access"));
    app.run_due_jobs().await;
    let link = mail::verification_token(&app.mail_dir, "lost@example.uz").expect("a link");
    app.database
        .execute(
            "UPDATE users SET created_at = app_now() - interval '7 days' + interval '20 seconds'",
        )
        .await;
    run::<CleanupUnverifiedUsers>(&app).await;
    me.get("auth/me/").await.expect(200);
    app.client.post("auth/register/", form.clone()).await.expect_error(409, "ALREADY_EXISTS");
    app.advance("21 seconds").await;
    run::<CleanupUnverifiedUsers>(&app).await;
    run::<CleanupUnverifiedUsers>(&app).await;
    assert_eq!(told::<CleanupUnverifiedUsers>(&app).await, ["done 0/0", "done 1/1", "done 0/0"]);
    assert_eq!(closings(&app).await, (1, 1));
    me.get("auth/me/").await.expect_error(401, "TOKEN_INVALID");
    let live = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
    assert_eq!(app.database.number(live).await, 0, "its sessions have ended");
    let refresh = json!({ "refresh": first.text_at("/tokens/refresh") });
    app.client.post("auth/refresh/", refresh).await.expect_error(401, "TOKEN_INVALID");
    let login = json!({ "email": "lost@example.uz", "password": "Correct-horse-7" });
    app.client.post("auth/login/", login).await.expect_error(401, "INVALID_CREDENTIALS");
    let verify = app.client.post("auth/email/verify/", json!({ "token": link })).await;
    verify.expect_error(400, "VALIDATION_ERROR");
    let again = app.client.post("auth/register/", form).await.expect(201);
    assert_ne!(first.at("/user/id"), again.at("/user/id"));
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn whoever_left_something_behind_stays() {
    let app = TestApp::start().await;
    let nobody = forgotten(&app, "nobody").await;
    let mut staying = vec![app.unverified("fresh").await];
    for (name, trace) in [
        ("proven", "UPDATE users SET is_verified = true WHERE id = $"),
        ("changed", "UPDATE users SET is_verified = true WHERE id = $; UPDATE users SET is_verified = false, phone_number = '+998901112234' WHERE id = $"),
        ("banned", "UPDATE users SET is_active = false WHERE id = $"),
        ("staff", "UPDATE users SET is_staff = true WHERE id = $"),
        ("plan", "INSERT INTO user_subscriptions (id, user_id, plan_id, status, start_date, end_date)
                  SELECT gen_random_uuid(), $, id, 'expired', now() - interval '2 days', now() FROM subscription_plans LIMIT 1"),
        ("seller", "INSERT INTO listings (id, seller_id, game_id, title, description, price, login_method)
                    SELECT gen_random_uuid(), $, id, 'Account', 'All skins.', 100000, 'email' FROM games LIMIT 1"),
        ("payer", "INSERT INTO transactions (id, user_id, amount, type, status, payment_method_id)
                   SELECT gen_random_uuid(), $, 5000, 'deposit', 'cancelled', id FROM payment_methods LIMIT 1"),
        ("money", "SELECT ledger.post('gift', 'gift', 'staff', ARRAY['user:' || $ || ':available', 'system:adjustment'], ARRAY[100, -100])"),
    ] {
        let person = forgotten(&app, name).await;
        app.database.execute(&trace.replace('$', &format!("'{}'", person.id))).await;
        staying.push(person);
    }
    let deal = Story::new(&app).delivered().await;
    app.database
        .execute("UPDATE users SET is_verified = false, created_at = app_now() - interval '8 days' WHERE id IN (SELECT buyer_id FROM escrows)")
        .await;
    staying.push(deal.buyer);
    run::<CleanupUnverifiedUsers>(&app).await;
    assert!(is_closed(&app, &nobody).await);
    for person in staying {
        assert!(
            !app.database
                .texts(&format!(
                    "SELECT email FROM users WHERE id = '{}' AND deleted_at IS NULL",
                    person.id
                ))
                .await
                .is_empty(),
            "{} stays",
            person.email
        );
    }
    assert_eq!(told::<CleanupUnverifiedUsers>(&app).await, ["done 1/1"]);
    app.finish().await;
}

#[tokio::test]
async fn whoever_proves_their_address_at_that_moment_stays() {
    let app = TestApp::start().await;
    let (proving, other) = (forgotten(&app, "proving").await, forgotten(&app, "other").await);
    let mut proof = app.database.owner().await;
    let verify = format!("BEGIN; UPDATE users SET is_verified = true WHERE id = '{}'", proving.id);
    proof.batch_execute(&verify).await.expect("verifies");
    run::<CleanupUnverifiedUsers>(&app).await;
    assert!(is_closed(&app, &other).await && !is_closed(&app, &proving).await);
    proof.batch_execute("COMMIT").await.expect("commits");
    run::<CleanupUnverifiedUsers>(&app).await;
    assert!(!is_closed(&app, &proving).await);
    assert_eq!(told::<CleanupUnverifiedUsers>(&app).await, ["done 1/2", "done 0/0"]);
    app.finish().await;
}

#[tokio::test]
async fn a_deposit_that_has_begun_keeps_the_account_open() {
    let app = TestApp::start().await;
    let payer = forgotten(&app, "payer").await;
    let amount = Money::from_soum(50_000);
    app.app
        .db
        .transaction(async |tx| {
            begin_deposit(tx, &app.app, payer.id, amount, "payme", None).await?;
            run::<CleanupUnverifiedUsers>(&app).await;
            Ok(())
        })
        .await
        .expect("commits");
    assert!(!is_closed(&app, &payer).await, "its deposit was not committed yet");
    run::<CleanupUnverifiedUsers>(&app).await;
    assert!(!is_closed(&app, &payer).await, "its deposit may still be paid");
    app.finish().await;
}

#[tokio::test]
async fn no_deposit_begins_on_an_account_that_is_being_closed() {
    let app = TestApp::start().await;
    let payer = forgotten(&app, "payer").await;
    let mut closing = app.database.owner().await;
    let close = "BEGIN; UPDATE users SET is_active = false, deleted_at = app_now() WHERE id = ";
    closing.batch_execute(&format!("{close}'{}'", payer.id)).await.expect("closes");
    let body = json!({ "amount": 50_000, "payment_method": "payme" });
    let (deposit, ()) = tokio::join!(payer.client.post("payments/deposit/", body), async {
        eventually("the deposit waits for the account", async || {
            app.database.number("SELECT count(*) FROM pg_locks WHERE NOT granted").await > 0
        })
        .await;
        closing.batch_execute("COMMIT").await.expect("commits");
    });
    deposit.expect_error(401, "TOKEN_INVALID");
    assert_eq!(app.database.number("SELECT count(*) FROM transactions").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn closing_accounts_survives_a_kill() {
    let app = impatient().await;
    crowd(&app, 250).await;
    survives_a_kill::<CleanupUnverifiedUsers>(&app, 100, 250).await;
    assert_eq!(closings(&app).await, (250, 250));
    app.finish().await;
}

#[tokio::test]
async fn closing_accounts_can_be_stopped_and_begun_again() {
    let app = impatient().await;
    crowd(&app, 250).await;
    can_be_stopped::<CleanupUnverifiedUsers>(&app, 100, 250).await;
    assert_eq!(closings(&app).await, (250, 250));
    app.finish().await;
}

#[tokio::test]
async fn erasing_accounts_survives_a_kill() {
    let app = impatient().await;
    crowd(&app, 60).await;
    app.database
        .execute("UPDATE users SET is_active = false, deleted_at = app_now() - interval '31 days'")
        .await;
    survives_a_kill::<EraseClosedAccounts>(&app, 25, 60).await;
    let erased =
        "SELECT count(*) FROM users WHERE erased_at IS NOT NULL AND email LIKE '%@deleted.invalid'";
    assert_eq!(app.database.number(erased).await, 60);
    let written = "SELECT count(*) FROM audit_log WHERE action = 'user.erased'";
    assert_eq!(app.database.number(written).await, 60);
    app.finish().await;
}
