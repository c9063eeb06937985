//! An address that was only typed: who gets the account, and who gets the address.

use serde_json::{Value, json};
use tests::google::{Google, SigningKey, claims};
use tests::{Client, Member, Reply, TestApp, mail, sms};

const NEW: &str = "Another-horse-8";
const PHONE: &str = "+998901234567";

async fn proves_a_phone(app: &TestApp, person: &Client) {
    let body = json!({ "phone_number": PHONE, "purpose": "verify_phone" });
    let asked = person.post("auth/otp/request/", body).await.expect(200);
    app.run_due_jobs().await;
    let code = sms::code_to(&app.sms_dir, PHONE).expect("a message");
    let proof = json!({ "request_id": asked.text_at("/request_id"), "code": code,
                        "current_password": Member::PASSWORD });
    person.post("auth/phone/verify/", proof).await.expect(200);
}

async fn reset(app: &TestApp, token: &str) -> Reply {
    let body = json!({ "token": token, "password": NEW, "password_confirm": NEW });
    app.client.post("auth/password/reset/confirm/", body).await
}

async fn me(person: &Client) -> Value {
    person.get("auth/me/").await.expect(200).json
}

/// How many links to choose a new password were mailed to an address.
fn links(app: &TestApp, email: &str) -> usize {
    let letters = mail::mails_to(&app.mail_dir, email);
    letters.iter().filter(|letter| letter.contains("/reset-password?uid=")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_with_another_proven_key_is_not_opened_by_mail_and_keeps_what_it_has() {
    let app = TestApp::start_with(&[("JWT_ACCESS_TOKEN_LIFETIME", "10000")]).await;
    // A link that was mailed before the account had another key is worth nothing afterwards.
    let squatter = Member::register_unproved(&app, "victim").await;
    let (_, early) = squatter.reset_link(&app).await;
    proves_a_phone(&app, &squatter.client).await;
    let before = "SELECT password_hash FROM users";
    let before = app.database.texts(before).await;
    let refused = reset(&app, &early).await.expect_error(400, "VALIDATION_ERROR");
    assert!(refused.at("/error/details/token").is_array(), "{}", refused.text);
    assert_eq!(app.database.texts("SELECT password_hash FROM users").await, before);
    // No other is mailed, and nobody can tell.
    let ask = async |email: &str| {
        app.advance("61 seconds").await;
        let body = json!({ "email": email });
        let (statements, reply) =
            app.statements(app.client.post("auth/password/reset/", body)).await;
        (statements, reply.status, reply.text)
    };
    let theirs = ask(&squatter.email).await;
    assert_eq!(theirs, ask("nobody@example.uz").await);
    app.settle_mail().await;
    assert_eq!(links(&app, &squatter.email), 1);
    assert!(me(&squatter.client).await["phone_number"] == PHONE, "their phone is their account's");
    // Once they have proved the address, a link opens it as any other.
    app.client.post("auth/email/resend/", json!({ "email": squatter.email })).await.expect(200);
    app.settle_mail().await;
    let proof = mail::verification_token(&app.mail_dir, &squatter.email).expect("a link");
    app.client.post("auth/email/verify/", json!({ "token": proof })).await.expect(200);
    ask(&squatter.email).await;
    app.settle_mail().await;
    assert_eq!(links(&app, &squatter.email), 2);
    let (_, token) = mail::reset_link(&app.mail_dir, &squatter.email).expect("a link");
    reset(&app, &token).await.expect(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_of_an_address_that_another_account_only_typed_gets_it_by_proving_it() {
    let app = TestApp::start_with(&[("JWT_ACCESS_TOKEN_LIFETIME", "10000")]).await;
    let squatter = Member::register_unproved(&app, "victim").await;
    let form = json!({ "email": squatter.email, "password": NEW, "language": "en" });
    // While nothing else is proved, the account itself is the owner's, by a reset.
    app.client.post("auth/register/", form.clone()).await.expect_error(409, "ALREADY_EXISTS");
    proves_a_phone(&app, &squatter.client).await;
    let owner = app.client.post("auth/register/", form.clone()).await.expect(201);
    assert_eq!(owner.text_at("/user/pending_email"), squatter.email);
    assert_eq!(me(&squatter.client).await["email"], squatter.email.as_str(), "not proved yet");
    app.settle_mail().await;
    let token = mail::verification_token(&app.mail_dir, &squatter.email).expect("a link");
    app.client.post("auth/email/verify/", json!({ "token": token })).await.expect(200);
    let owners = app.client.with_token(owner.text_at("/tokens/access"));
    let (owners, theirs) = (me(&owners).await, me(&squatter.client).await);
    assert_eq!((&owners["email"], &owners["is_verified"]), (&json!(squatter.email), &json!(true)));
    assert_ne!(owners["id"], theirs["id"]);
    let placeholder = theirs["email"].as_str().expect("an address");
    assert!(placeholder.ends_with(".wibestore.local"), "{placeholder}");
    assert_eq!(theirs["phone_number"], PHONE);
    Member::log_in(&app, &squatter.email, NEW, "any").await.expect(200);
    let old = Member::log_in(&app, &squatter.email, Member::PASSWORD, "any").await;
    old.expect_error(401, "INVALID_CREDENTIALS");
    // Somebody who proved it keeps it.
    app.client.post("auth/register/", form).await.expect_error(409, "ALREADY_EXISTS");
    let audited = "SELECT count(*) FROM audit_log WHERE action = 'user.email_released'";
    assert_eq!(app.database.number(audited).await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_registers_again_and_again_with_an_address_has_few_letters_sent_there() {
    let app = TestApp::start().await;
    let squatter = Member::register_unproved(&app, "bombed").await;
    proves_a_phone(&app, &squatter.client).await;
    let form = json!({ "email": squatter.email, "password": NEW, "language": "en" });
    for _ in 0..5 {
        app.client.post("auth/register/", form.clone()).await.expect(201);
    }
    let people = "SELECT count(*) FROM users";
    for _ in 0..2 {
        let reply = app.client.post("auth/register/", form.clone()).await;
        let reply = reply.expect_error(429, "RATE_LIMITED");
        assert!(reply.headers.contains_key("retry-after"));
    }
    assert_eq!(app.database.number(people).await, 6, "who is refused leaves nothing behind");
    app.settle_mail().await;
    assert_eq!(mail::mails_to(&app.mail_dir, &squatter.email).len(), 1 + 5);
    app.advance("1 hour 1 second").await;
    app.client.post("auth/register/", form).await.expect(201);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn google_gives_an_address_to_its_owner_and_not_the_account_of_who_typed_it() {
    let google = Google::start().await;
    let app = google.platform(&[]).await;
    let squatter = Member::register_unproved(&app, "victim").await;
    let token = SigningKey::first().sign(&claims("1", &squatter.email));
    let sign_in = async || app.client.post("auth/google/", json!({ "id_token": token })).await;
    sign_in().await.expect_error(409, "ACCOUNT_LINK_REQUIRED");
    proves_a_phone(&app, &squatter.client).await;
    let owner = sign_in().await.expect(200);
    assert_ne!(owner.text_at("/user/id"), squatter.id);
    assert_eq!(owner.text_at("/user/email"), squatter.email);
    let theirs = me(&squatter.client).await;
    assert!(theirs["email"].as_str().expect("one").ends_with("@phone.wibestore.local"), "{theirs}");
    assert_eq!(theirs["phone_number"], PHONE);
    assert_eq!(sign_in().await.expect(200).text_at("/user/id"), owner.text_at("/user/id"));
    // A banned account's address is banned with it.
    let banned = Member::register_unproved(&app, "banned").await;
    let sql =
        format!("UPDATE users SET telegram_id = 42, is_active = false WHERE id = '{}'", banned.id);
    app.database.execute(&sql).await;
    let token = SigningKey::first().sign(&claims("2", &banned.email));
    let reply = app.client.post("auth/google/", json!({ "id_token": token })).await;
    reply.expect_error(409, "ACCOUNT_LINK_REQUIRED");
    app.run_due_jobs().await;
    app.finish().await;
}
