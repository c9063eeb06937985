//! Signing in with Google: whose word is taken, for whom, and what happens when Google is away.

mod keys;
mod linking;
mod tokens;

use serde_json::{Value, json};
use tests::google::Google;
use tests::{Reply, TestApp};

/// What the tests of sign-in want to know about the platform: nothing of it may come from a refusal.
pub(super) async fn traces(app: &TestApp) -> [i64; 4] {
    let count = async |sql: &str| app.database.number(sql).await;
    [
        count("SELECT count(*) FROM users").await,
        count("SELECT count(*) FROM sessions WHERE revoked_at IS NULL").await,
        count("SELECT count(*) FROM social_accounts").await,
        count("SELECT count(*) FROM jobs").await,
    ]
}

pub(super) async fn sign_in(app: &TestApp, body: Value) -> Reply {
    app.client.post("auth/google/", body).await
}

pub(super) async fn with_id_token(app: &TestApp, token: &str) -> Reply {
    sign_in(app, json!({ "id_token": token })).await
}

/// The actions of the audit log about a person, in order.
async fn actions(app: &TestApp, user: &str) -> Vec<String> {
    let sql = format!(
        "SELECT action FROM audit_log WHERE object_type = 'user' AND object_id = '{user}' ORDER BY id"
    );
    app.database.texts(&sql).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_person_needs_no_password_and_is_the_same_person_ever_after() {
    use shared::accounts::jobs::SendWelcomeEmail;
    use shared::ids::UserId;
    use tests::google::{SigningKey, claims};

    let (google, key) = (Google::start().await, SigningKey::first());
    let app = google.platform(&[]).await;
    let token = key.sign(&claims("10001", "Aziza@Example.uz"));
    let request = app.client.request(reqwest::Method::POST, "auth/google/");
    let request = request.header("Accept-Language", "ru-RU,ru;q=0.9");
    let first = app.client.send(request.json(&json!({ "id_token": token }))).await.expect(200);
    assert_eq!(first.headers["cache-control"], "no-store");
    let user = first.at("/user");
    assert_eq!(user["email"], "aziza@example.uz");
    assert_eq!(user["full_name"], "Aziza Karimova");
    assert_eq!(user["language"], "ru");
    assert_eq!(user["is_verified"], true);
    assert_eq!(user["balance"], "0.00");
    assert_eq!(user["avatar"], "https://lh3.googleusercontent.com/a/ACg8ocK=s96-c");
    let id = first.text_at("/user/id").to_owned();
    let welcome = SendWelcomeEmail { user_id: UserId(id.parse().expect("an id")) };
    app.assert_enqueued(&welcome).await;
    let me = app.client.with_token(first.text_at("/tokens/access"));
    assert_eq!(me.get("auth/me/").await.expect(200).text_at("/id"), id);
    let refresh = json!({ "refresh": first.text_at("/tokens/refresh") });
    app.client.post("auth/refresh/", refresh).await.expect(200);
    let password = "SELECT count(*) FROM users WHERE password_hash IS NOT NULL";
    assert_eq!(app.database.number(password).await, 0);
    // Their address at Google changes; they do not.
    let moved = key.sign(&claims("10001", "aziza.new@example.uz"));
    let again = sign_in(&app, json!({ "credential": moved })).await.expect(200);
    let access = google.grant("10001", "aziza.new@example.uz", json!({}), json!({}));
    let third = sign_in(&app, json!({ "access_token": access })).await.expect(200);
    for reply in [&again, &third] {
        assert_eq!(reply.text_at("/user/id"), id);
        assert_eq!(reply.text_at("/user/email"), "aziza@example.uz");
    }
    assert_eq!(
        actions(&app, &id).await,
        [
            "auth.registered",
            "social.linked",
            "auth.email_verified",
            "auth.signed_in",
            "auth.signed_in",
            "auth.signed_in"
        ]
    );
    assert_eq!(traces(&app).await[..3], [1, 3, 1]);
    app.run_due_jobs().await;
    assert_eq!(tests::mail::mails_to(&app.mail_dir, "aziza@example.uz").len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_says_exactly_one_thing() {
    use tests::google::{SigningKey, claims};

    let google = Google::start().await;
    let app = google.platform(&[]).await;
    let token = SigningKey::first().sign(&claims("10001", "aziza@example.uz"));
    for (body, field) in [
        (json!({}), "id_token"),
        (json!({ "id_token": "" }), "id_token"),
        (json!({ "id_token": null, "access_token": null }), "id_token"),
        (json!({ "id_token": 7 }), "id_token"),
        (json!({ "id_token": "a\u{0}.b.c" }), "id_token"),
        (json!({ "id_token": token, "access_token": "ya29.x" }), "id_token"),
        (json!({ "id_token": token, "credential": token }), "credential"),
        (json!({ "access_token": "ya29.x", "nonce": "n" }), "nonce"),
        (json!({ "id_token": token, "nonce": "n".repeat(256) }), "nonce"),
        (json!({ "id_token": token, "email": "admin@example.uz" }), "email"),
    ] {
        let reply = sign_in(&app, body.clone()).await.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details").get(field).is_some(), "{body}: {}", reply.text);
    }
    assert_eq!(traces(&app).await, [0; 4]);
    assert_eq!(google.asked("/certs") + google.asked("/tokeninfo"), 0);
    app.finish().await;
    // Without a client id every token is meant for somebody else.
    let app = google.platform(&[("GOOGLE_CLIENT_ID", "")]).await;
    with_id_token(&app, &token).await.expect_error(404, "SIGN_IN_NOT_OFFERED");
    app.finish().await;
}
