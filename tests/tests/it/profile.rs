//! A person as they see themselves, and what they may change about themselves.

use serde_json::{Value, json};
use tests::{Client, Person, Story, TestApp, mail};

use super::uploads::{a_jpeg, new_avatar};

pub(crate) const PASSWORD: &str = "Correct-horse-7";

/// Gives a person a password, as if they had registered with one.
pub(crate) async fn with_password(app: &TestApp, person: Person) -> Person {
    let hash = app.app.passwords.hash(PASSWORD).await.expect("hashes");
    let sql = format!("UPDATE users SET password_hash = '{hash}' WHERE id = '{}'", person.id);
    app.database.execute(&sql).await;
    person
}

async fn log_in(app: &TestApp, email: &str) -> u16 {
    app.client.post("auth/login/", json!({ "email": email, "password": PASSWORD })).await.status
}

async fn me(client: &Client) -> Value {
    client.get("auth/me/").await.expect(200).json
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_about_oneself_is_the_whole_flat_person() {
    let app = TestApp::start().await;
    let person = app.person("Aziza").await;
    app.fund(&person, 25_000).await;
    let shown = me(&person.client).await;
    for field in [
        "id",
        "email",
        "username",
        "full_name",
        "display_name",
        "name",
        "avatar",
        "phone_number",
        "telegram_id",
        "telegram_username",
        "telegram",
        "phone",
        "bio",
        "balance",
        "plan",
        "is_premium",
        "is_pro",
        "is_verified",
        "is_staff",
        "is_superuser",
        "google_id",
        "social_accounts",
        "language",
        "timezone",
        "rating",
        "pending_email",
    ] {
        assert!(shown.get(field).is_some(), "{field} is in {shown}");
    }
    assert_eq!(shown["balance"], "25000.00");
    assert_eq!((&shown["name"], &shown["display_name"]), (&json!("Aziza"), &json!("Aziza")));
    assert_eq!(shown["social_accounts"], json!({ "google": null }));
    let fields = |value: &Value| -> Vec<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    // What the UI's settings page sends with every save.
    let saved = json!({ "full_name": "Aziza Karimova", "phone_number": null });
    for answer in [
        person.client.get("profile/").await,
        person.client.patch("auth/me/", saved.clone()).await,
        person.client.patch("profile/", saved).await,
        new_avatar(&person.client, &a_jpeg()).await,
    ] {
        let answer = answer.expect(200);
        assert_eq!(fields(&answer.json), fields(&shown));
        assert_eq!(answer.text_at("/balance"), "25000.00");
        assert_eq!(
            answer.headers.get("cache-control").map(|value| value.as_bytes()),
            Some(b"no-store".as_slice())
        );
    }
    assert_eq!(me(&person.client).await["full_name"], "Aziza Karimova");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_address_or_number_needs_the_password_and_the_same_one_needs_nothing() {
    let app = TestApp::start().await;
    let person = with_password(&app, app.person("keys").await).await;
    let change = async |body: Value| person.client.patch("auth/me/", body).await;
    let before = me(&person.client).await;
    for body in [
        json!({ "email": "thief@example.uz" }),
        json!({ "phone_number": "+998901234567" }),
        json!({ "phone_number": "+998901234567", "current_password": "Wrong-horse-7" }),
        json!({ "phone_number": "+998901234567", "current_password": "" }),
        json!({ "email": "thief@example.uz", "full_name": "Thief", "current_password": "Wrong-horse-7" }),
    ] {
        let reply = change(body.clone()).await.expect_error(403, "REAUTH_REQUIRED");
        assert_eq!(reply.at("/error/details/methods"), &json!(["password"]));
        assert!(reply.at("/error/details/current_password").is_array(), "{body}");
    }
    assert_eq!(me(&person.client).await, before, "nothing changed");
    let proofs = "SELECT count(*) FROM email_changes";
    assert_eq!(app.database.number(proofs).await, 0);

    let set = json!({ "phone_number": "998 90 123-45-67", "current_password": PASSWORD });
    assert_eq!(change(set).await.expect(200).text_at("/phone_number"), "+998901234567");
    for same in ["+998901234567", "998901234567", " +998 (90) 123 45 67"] {
        let saved = json!({ "full_name": "Ali", "phone_number": same, "email": person.email });
        change(saved).await.expect(200);
    }
    change(json!({ "phone_number": null })).await.expect_error(403, "REAUTH_REQUIRED");
    for wrong in ["+99890123456", "90 123 45 67", "+79012345678", "phone", "+9989012345670"] {
        let reply = change(json!({ "phone_number": wrong, "current_password": PASSWORD })).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details/phone_number").is_array(), "{wrong}");
    }
    let other = with_password(&app, app.person("other").await).await;
    let taken = json!({ "phone_number": "+998901234567", "current_password": PASSWORD });
    other.client.patch("auth/me/", taken).await.expect_error(409, "ALREADY_EXISTS");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_number_takes_its_own_proof_along_and_no_other() {
    let app = TestApp::start().await;
    for (name, proofs, stays) in [
        ("phone", "phone_verified_at = app_now()", false),
        ("both", "phone_verified_at = app_now(), email_verified_at = app_now()", true),
        ("email", "email_verified_at = app_now()", true),
    ] {
        let person = with_password(&app, app.person(name).await).await;
        let number =
            format!("+99890{:07}", app.database.number("SELECT count(*) FROM users").await);
        let sql = format!(
            "UPDATE users SET phone_number = '{number}', email_verified_at = NULL WHERE id = '{0}'; UPDATE users SET {proofs} WHERE id = '{0}'",
            person.id
        );
        app.database.execute(&sql).await;
        let same = json!({ "phone_number": number });
        let kept = person.client.patch("auth/me/", same).await.expect(200);
        assert_eq!(kept.at("/is_verified"), &json!(true));
        let gone = json!({ "phone_number": null, "current_password": PASSWORD });
        let reply = person.client.patch("auth/me/", gone).await.expect(200);
        assert_eq!(reply.at("/is_verified"), &json!(stays), "{name}");
        let proved = format!(
            "SELECT count(*) FROM users WHERE id = '{}' AND phone_verified_at IS NOT NULL",
            person.id
        );
        assert_eq!(app.database.number(&proved).await, 0);
        app.run_due_jobs().await;
        let told = mail::mails_to(&app.mail_dir, &person.email).len();
        assert_eq!(told, usize::from(stays), "whoever is verified hears of it");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_address_is_theirs_when_it_is_proved_and_the_old_one_is_told() {
    let app = TestApp::start().await;
    let person = with_password(&app, app.person("mover").await).await;
    let (old, new) = (person.email.clone(), "mover-new@example.uz");
    let ask = async |email: &str| {
        let body = json!({ "email": email, "current_password": PASSWORD });
        person.client.patch("auth/me/", body).await
    };
    ask("first-wish@example.uz").await.expect(200);
    app.run_due_jobs().await;
    let first = mail::verification_token(&app.mail_dir, "first-wish@example.uz").expect("a link");
    app.advance("61 seconds").await;
    let reply = ask(" Mover-NEW@example.uz").await.expect(200);
    assert_eq!((reply.text_at("/email"), reply.text_at("/pending_email")), (old.as_str(), new));
    ask(new).await.expect(200);
    app.run_due_jobs().await;
    assert_eq!(mail::mails_to(&app.mail_dir, new).len(), 1, "one letter a minute");
    assert_eq!(mail::mails_to(&app.mail_dir, &old).len(), 2, "told of each wish");
    assert_eq!((log_in(&app, &old).await, log_in(&app, new).await), (200, 401));

    let prove =
        async |token: &str| app.client.post("auth/email/verify/", json!({ "token": token })).await;
    prove(&first).await.expect_error(400, "VALIDATION_ERROR");
    let token = mail::verification_token(&app.mail_dir, new).expect("a link");
    for _ in 0..2 {
        prove(&token).await.expect(200);
    }
    let shown = me(&person.client).await;
    assert_eq!((&shown["email"], &shown["pending_email"]), (&json!(new), &Value::Null));
    assert_eq!(shown["is_verified"], true);
    assert_eq!((log_in(&app, &old).await, log_in(&app, new).await), (401, 200));
    app.run_due_jobs().await;
    assert_eq!(mail::mails_to(&app.mail_dir, &old).len(), 3);
    let seen = "SELECT count(*) FROM audit_log WHERE action IN ('user.email_change_asked', 'user.email_changed')";
    assert_eq!(app.database.number(seen).await, 3);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_became_somebody_elses_or_was_proved_too_late_changes_nothing() {
    let app = TestApp::start().await;
    let person = with_password(&app, app.person("mover").await).await;
    let other = app.person("other").await;
    let ask = async |email: &str| {
        let body = json!({ "email": email, "current_password": PASSWORD });
        person.client.patch("auth/me/", body).await
    };
    ask(&other.email).await.expect_error(409, "ALREADY_EXISTS");
    app.advance("61 seconds").await;
    ask("wanted@example.uz").await.expect(200);
    app.run_due_jobs().await;
    let token = mail::verification_token(&app.mail_dir, "wanted@example.uz").expect("a link");
    let form = json!({ "email": "wanted@example.uz", "password": PASSWORD });
    app.client.post("auth/register/", form).await.expect(201);
    let prove = json!({ "token": token });
    app.client.post("auth/email/verify/", prove).await.expect_error(409, "ALREADY_EXISTS");
    app.advance("61 seconds").await;
    ask("late@example.uz").await.expect(200);
    app.run_due_jobs().await;
    let token = mail::verification_token(&app.mail_dir, "late@example.uz").expect("a link");
    app.advance("24 hours 1 second").await;
    let prove = json!({ "token": token });
    app.client.post("auth/email/verify/", prove).await.expect_error(400, "VALIDATION_ERROR");
    let shown = me(&person.client).await;
    assert_eq!((&shown["email"], &shown["pending_email"]), (&json!(person.email), &Value::Null));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wishes_for_another_address_are_few_whatever_comes_of_them() {
    let app = TestApp::start().await;
    let person = with_password(&app, app.unverified("bomber").await).await;
    let other = app.person("other").await;
    let ask = async |email: &str| {
        let body = json!({ "email": email, "current_password": PASSWORD });
        person.client.patch("auth/me/", body).await
    };
    let limited = async |email: &str, at_most: u64| {
        let reply = ask(email).await.expect_error(429, "RATE_LIMITED");
        let wait = reply.at("/error/details/retry_after").as_u64().expect("seconds");
        assert!((1..=at_most).contains(&wait), "{wait}");
        assert_eq!(reply.headers["retry-after"], wait.to_string());
    };
    ask("a@example.uz").await.expect(200);
    // One a minute, to whomever; the same wish again is no other one.
    ask("a@example.uz").await.expect(200);
    for email in ["b@example.uz", other.email.as_str()] {
        limited(email, 60).await;
    }
    // Five an hour: those that were refused count, too, and afterwards nobody learns whose an address is.
    for email in ["b@example.uz", "a@example.uz"] {
        app.advance("61 seconds").await;
        ask(email).await.expect(200);
    }
    for _ in 0..2 {
        app.advance("61 seconds").await;
        ask(&other.email).await.expect_error(409, "ALREADY_EXISTS");
    }
    app.advance("61 seconds").await;
    limited(&other.email, 3_600).await;
    limited("nobody@example.uz", 3_600).await;
    app.run_due_jobs().await;
    let letters = |email: &str| mail::mails_to(&app.mail_dir, email).len();
    // Only what is still wished for is mailed, and an address that nobody proved is told nothing.
    assert_eq!((letters("a@example.uz"), letters("b@example.uz")), (1, 0));
    assert_eq!((letters(&person.email), letters(&other.email)), (0, 0));
    app.advance("1 hour").await;
    ask("c@example.uz").await.expect(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seller_sees_their_numbers_and_nobody_elses() {
    let app = TestApp::start().await;
    let deal = Story::new(&app).delivered().await;
    app.run_due_jobs().await;
    app.advance("24 hours 1 second").await;
    app.run_due_jobs().await;
    Story::new(&app).listed(&deal.seller).await;
    let views = format!("UPDATE listings SET views_count = 30 WHERE id = '{}'", deal.listing);
    app.database.execute(&views).await;
    let (statements, reply) = app.statements(deal.seller.client.get("profile/dashboard/")).await;
    let expected = json!({
        "active_listings": 1, "sold_listings": 1, "total_views": 30, "total_sales_count": 1,
        "total_sales_amount": "100000.00", "conversion": 3.33,
    });
    assert_eq!(reply.expect(200).json, expected);
    assert!(statements <= 2, "{statements}: who asks, and the numbers");
    let nothing = deal.buyer.client.get("profile/dashboard/").await.expect(200);
    assert_eq!(nothing.at("/conversion"), &json!(0.0));
    assert_eq!(nothing.at("/total_sales_amount"), "0.00");
    app.client.get("profile/dashboard/").await.expect_error(401, "NOT_AUTHENTICATED");
    app.run_due_jobs().await;
    app.finish().await;
}
