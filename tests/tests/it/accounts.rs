//! People: registration, proof of e-mail, sign-in, and tokens that are worth one use.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Reply, TestApp, mail};

const PASSWORD: &str = "Correct-horse-7";

async fn register(app: &TestApp, email: &str) -> Reply {
    app.client
        .post("auth/register/", json!({ "email": email, "password": PASSWORD, "language": "en" }))
        .await
        .expect(201)
}

async fn refresh(app: &TestApp, token: &str) -> Reply {
    app.client.post("auth/refresh/", json!({ "refresh": token })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_registers_and_is_verified_by_the_mailed_link_once() {
    let app = TestApp::start().await;
    let reply = register(&app, "Aziza@Example.uz ").await;
    assert_eq!(
        (
            reply.text_at("/user/email"),
            reply.at("/user/is_verified"),
            reply.text_at("/user/balance")
        ),
        ("aziza@example.uz", &Value::Bool(false), "0.00")
    );
    let me = app.client.with_token(reply.text_at("/tokens/access"));
    app.run_due_jobs().await;
    app.run_due_jobs().await;
    assert_eq!(mail::mails_to(&app.mail_dir, "aziza@example.uz").len(), 1);
    let token = mail::verification_token(&app.mail_dir, "aziza@example.uz").expect("a link");
    app.client
        .post("auth/email/verify/", json!({ "token": "nonsense" }))
        .await
        .expect_error(400, "VALIDATION_ERROR");
    app.client.post("auth/email/verify/", json!({ "token": token })).await.expect(200);
    assert_eq!(me.get("auth/me/").await.expect(200).at("/is_verified"), &Value::Bool(true));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verification_link_expires_after_a_day() {
    let app = TestApp::start().await;
    register(&app, "late@example.uz").await;
    app.run_due_jobs().await;
    let token = mail::verification_token(&app.mail_dir, "late@example.uz").expect("a link");
    app.advance("24 hours 1 second").await;
    app.client
        .post("auth/email/verify/", json!({ "token": token }))
        .await
        .expect_error(400, "VALIDATION_ERROR");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_proved_a_phone_first_proves_their_address_all_the_same() {
    let app = TestApp::start().await;
    let reply = register(&app, "late@example.uz").await;
    let me = app.client.with_token(reply.text_at("/tokens/access"));
    let proved = "UPDATE users SET is_verified = true, phone_number = '+998901234567', phone_verified_at = app_now()";
    app.database.execute(proved).await;
    app.run_due_jobs().await;
    let letters = || mail::mails_to(&app.mail_dir, "late@example.uz").len();
    assert_eq!(letters(), 1, "the letter of the registration goes out");
    app.advance("61 seconds").await;
    me.post("auth/email/resend/", json!({})).await.expect(200);
    app.run_due_jobs().await;
    assert_eq!(letters(), 2);
    let token = mail::verification_token(&app.mail_dir, "late@example.uz").expect("a link");
    for _ in 0..2 {
        app.client.post("auth/email/verify/", json!({ "token": token })).await.expect(200);
    }
    let proved = "SELECT count(*) FROM users WHERE email_verified_at IS NOT NULL";
    assert_eq!(app.database.number(proved).await, 1);
    app.run_due_jobs().await;
    let before = letters();
    app.advance("61 seconds").await;
    me.post("auth/email/resend/", json!({})).await.expect(200);
    app.run_due_jobs().await;
    assert_eq!(letters(), before, "nothing is left to prove");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_another_proof_tells_nothing_about_an_address() {
    let app = TestApp::start().await;
    for name in ["unproved", "proved", "banned", "phone"] {
        register(&app, &format!("{name}@example.uz")).await;
    }
    app.database
        .execute(
            "UPDATE users SET is_verified = true, email_verified_at = app_now() WHERE email LIKE 'proved@%';
             UPDATE users SET is_active = false WHERE email LIKE 'banned@%';
             UPDATE users SET is_verified = true, telegram_id = 42 WHERE email LIKE 'phone@%'",
        )
        .await;
    app.settle_mail().await;
    let letters = |email: &str| mail::mails_to(&app.mail_dir, email).len();
    let before = letters("unproved@example.uz");
    app.advance("61 seconds").await;
    let ask = async |email: &str| {
        let reply = app.client.post("auth/email/resend/", json!({ "email": email })).await;
        (reply.status, reply.text)
    };
    let mut told = Vec::new();
    for name in ["unproved", "proved", "banned", "phone", "nobody"] {
        let mut answers = Vec::new();
        for later in ["0 seconds", "50 seconds", "11 seconds"] {
            app.advance(later).await;
            answers.push(app.statements(ask(&format!("{name}@example.uz"))).await);
        }
        told.push(answers);
    }
    assert_eq!(told[0][0].1.0, 200);
    assert!(told[0][1].0 < told[0][0].0, "one a minute");
    for other in &told[1..] {
        assert_eq!(other, &told[0], "the same answers and the same statements");
    }
    app.settle_mail().await;
    assert_eq!(letters("unproved@example.uz"), before + 2);
    assert_eq!(letters("nobody@example.uz"), 0);
    let typed = "SELECT count(*) FROM email_tokens t WHERE t::text LIKE '%nobody%'";
    assert_eq!(app.database.number(typed).await, 0, "what strangers type is not kept");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_is_one_account_whoever_races() {
    let app = TestApp::start().await;
    let spellings = ["race@example.uz", "RACE@example.uz", " race@example.uz", "Race@Example.UZ"];
    let replies = join_all(spellings.iter().map(|email| {
        app.client.post("auth/register/", json!({ "email": email, "password": PASSWORD }))
    }))
    .await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert!(replies.iter().filter(|reply| reply.status != 201).all(|reply| (
        reply.status,
        reply.code()
    ) == (
        409,
        "ALREADY_EXISTS"
    )));
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, 1);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registration_refuses_what_is_not_a_person_with_a_password() {
    let app = TestApp::start().await;
    let person = |change: Value| {
        let mut body = json!({ "email": "p@example.uz", "password": PASSWORD });
        body.as_object_mut()
            .expect("an object")
            .extend(change.as_object().expect("an object").clone());
        body
    };
    for (change, field) in [
        (json!({ "email": "not an address" }), "email"),
        (json!({ "email": 7 }), "email"),
        (json!({ "email": format!("{}@example.uz", "x".repeat(300)) }), "email"),
        (json!({ "password": "short1" }), "password"),
        (json!({ "password": "onlyletters" }), "password"),
        (json!({ "password": "1029384756574839" }), "password"),
        (json!({ "password": "password1" }), "password"),
        (json!({ "password": format!("{}1", "x".repeat(200)) }), "password"),
        (json!({ "phone_number": "+79001234567" }), "phone_number"),
        (json!({ "phone_number": "+99890123456" }), "phone_number"),
        (json!({ "language": "fr" }), "language"),
        (json!({ "full_name": "nul\u{0}" }), "full_name"),
        (json!({ "is_staff": true }), "is_staff"),
        (json!({ "balance": "1000000.00" }), "balance"),
        (json!({ "is_verified": true }), "is_verified"),
    ] {
        let reply = app
            .client
            .post("auth/register/", person(change.clone()))
            .await
            .expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details").get(field).is_some(), "{change}: {}", reply.text);
    }
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_unknown_address_are_told_apart_by_nobody() {
    let app = TestApp::start().await;
    register(&app, "known@example.uz").await;
    app.run_due_jobs().await;
    let log_in = async |email: &str, password: &str| {
        app.client.post("auth/login/", json!({ "email": email, "password": password })).await
    };
    log_in("known@example.uz", PASSWORD).await.expect(200);
    let wrong =
        log_in("known@example.uz", "Wrong-horse-7").await.expect_error(401, "INVALID_CREDENTIALS");
    let unknown =
        log_in("unknown@example.uz", PASSWORD).await.expect_error(401, "INVALID_CREDENTIALS");
    assert_eq!(wrong.json, unknown.json);
    app.database.execute("UPDATE users SET is_active = false").await;
    log_in("known@example.uz", PASSWORD).await.expect_error(403, "ACCOUNT_DISABLED");
    log_in("known@example.uz", "Wrong-horse-7").await.expect_error(401, "INVALID_CREDENTIALS");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_is_worth_one_use_two_tabs_excepted() {
    let app = TestApp::start().await;
    let first = register(&app, "tabs@example.uz").await.text_at("/tokens/refresh").to_owned();
    app.run_due_jobs().await;
    let tabs = join_all((0..4).map(|_| refresh(&app, &first))).await;
    let second = tabs[0].text_at("/refresh").to_owned();
    assert!(
        tabs.iter().all(|reply| reply.status == 200 && reply.text_at("/refresh") == second),
        "both tabs get the same successor"
    );
    app.advance("11 seconds").await;
    let third = refresh(&app, &second).await.expect(200).text_at("/refresh").to_owned();
    refresh(&app, &first).await.expect_error(401, "TOKEN_REUSED");
    refresh(&app, &third).await.expect_error(401, "TOKEN_INVALID");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_by_time_by_its_owner_and_all_at_once() {
    let app = TestApp::start().await;
    let tokens = register(&app, "ends@example.uz").await;
    app.run_due_jobs().await;
    let me = app.client.with_token(tokens.text_at("/tokens/access"));
    app.advance("15 minutes 1 second").await;
    me.get("auth/me/").await.expect_error(401, "TOKEN_EXPIRED");
    let tokens = refresh(&app, tokens.text_at("/tokens/refresh")).await.expect(200);
    let me = app.client.with_token(tokens.text_at("/access"));
    let other = app
        .client
        .post("auth/login/", json!({ "email": "ends@example.uz", "password": PASSWORD }))
        .await
        .expect(200);
    me.post("auth/logout/", json!({ "refresh": tokens.text_at("/refresh") })).await;
    me.get("auth/me/").await.expect_error(401, "TOKEN_INVALID");
    let others = app.client.with_token(other.text_at("/tokens/access"));
    others.get("auth/me/").await.expect(200);
    others.post_empty("auth/logout/").await;
    others.get("auth/me/").await.expect_error(401, "TOKEN_INVALID");
    refresh(&app, other.text_at("/tokens/refresh")).await.expect_error(401, "TOKEN_INVALID");
    for token in ["", "nonsense", tokens.text_at("/access")] {
        let reply = refresh(&app, token).await;
        assert!(matches!(reply.status, 400 | 401), "{}", reply.text);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_changes_their_profile_and_nothing_else() {
    let app = TestApp::start().await;
    let person = app.person("me").await;
    let reply = person
        .client
        .patch("auth/me/", json!({ "full_name": "Aziza Karimova", "language": "ru" }))
        .await
        .expect(200);
    assert_eq!(
        (reply.text_at("/full_name"), reply.text_at("/language"), reply.text_at("/balance")),
        ("Aziza Karimova", "ru", "0.00")
    );
    for forbidden in
        [json!({ "is_staff": true }), json!({ "balance": "5" }), json!({ "rating": 5 })]
    {
        let reply = person.client.patch("auth/me/", forbidden.clone()).await;
        assert!(matches!(reply.status, 400 | 403), "{forbidden}: {}", reply.text);
    }
    app.finish().await;
}
