//! Guessing at passwords: what it costs, whom it does not lock out, and what it does not tell.

use serde_json::json;
use shared::jobs::kinds::PruneSignInRecords;
use tests::{Member, Race, Reply, TestApp};

const STRANGER: &str = "curl/8.0";

async fn guess(app: &TestApp, email: &str, password: &str, device: &str) -> Reply {
    Member::log_in(app, email, password, device).await
}

/// What a guesser sees of an answer, but for the seconds that pass while the test runs.
fn seen(reply: &Reply) -> (u16, String, String, bool) {
    let message = reply.text_at("/error/message").to_owned();
    let waits = reply.headers.contains_key("retry-after");
    (reply.status, reply.code().to_owned(), message, waits)
}

async fn counts(app: &TestApp) -> Vec<String> {
    app.database.texts("SELECT failures::text FROM sign_in_failures ORDER BY failures").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_parallel_guesses_gets_ten_of_them_looked_at() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "target").await;
    let mut race = Race::new("50 guesses at one password", 1);
    for _ in race.rounds() {
        let before = app.app.passwords.work();
        let guesses = (0..50).map(|_| guess(&app, &member.email, "Wrong-horse-7", STRANGER));
        let replies = race.crowd(guesses).await;
        let of = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
        assert_eq!((of(401), of(429)), (10, 40));
        assert_eq!(app.app.passwords.work() - before, 10, "a refused guess costs no hash");
        assert_eq!(counts(&app).await, ["10"], "and no guess is lost");
        race.saw("ten");
    }
    race.end(&["ten"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_make_each_other_wait_and_never_the_owner() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "owner").await;
    for _ in 0..10 {
        let wrong = guess(&app, &member.email, "Wrong-horse-7", STRANGER).await;
        wrong.expect_error(401, "INVALID_CREDENTIALS");
    }
    let right = guess(&app, &member.email, Member::PASSWORD, "Another stranger").await;
    let right = right.expect_error(429, "TOO_MANY_ATTEMPTS");
    let wait = right.headers.get("retry-after").expect("a wait").to_str().expect("text");
    let wait: u64 = wait.parse().expect("whole seconds");
    assert!((1..=31).contains(&wait), "{wait}");
    assert_eq!(right.at("/error/details/retry_after"), wait);
    guess(&app, &member.email, Member::PASSWORD, Member::DEVICE).await.expect(200);
    guess(&app, &member.email, Member::PASSWORD, STRANGER)
        .await
        .expect_error(429, "TOO_MANY_ATTEMPTS");
    app.advance("31 seconds").await;
    guess(&app, &member.email, "Wrong-horse-7", STRANGER)
        .await
        .expect_error(401, "INVALID_CREDENTIALS");
    app.advance("50 seconds").await;
    let early = guess(&app, &member.email, Member::PASSWORD, STRANGER).await;
    early.expect_error(429, "TOO_MANY_ATTEMPTS");
    app.advance("11 seconds").await;
    guess(&app, &member.email, Member::PASSWORD, STRANGER).await.expect(200);
    assert!(counts(&app).await.is_empty(), "the right password forgives the wrong ones");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_tells_whether_anybody_has_an_address() {
    let app = TestApp::start().await;
    let known = Member::register(&app, "known").await;
    let banned = Member::register(&app, "banned").await;
    let closed = Member::register(&app, "closed").await;
    for (member, change) in [(&banned, "is_active = false"), (&closed, "deleted_at = app_now()")] {
        let sql = format!("UPDATE users SET {change} WHERE id = '{}'", member.id);
        app.database.execute(&sql).await;
    }
    let mut told = Vec::new();
    for email in [known.email.as_str(), &banned.email, &closed.email, "nobody@example.uz"] {
        let mut answers = Vec::new();
        for attempt in 0..12 {
            let work = app.app.passwords.work();
            let spelled = if attempt % 2 == 0 { email.to_owned() } else { email.to_uppercase() };
            let (statements, reply) =
                app.statements(guess(&app, &spelled, "Wrong-horse-7", STRANGER)).await;
            answers.push((seen(&reply), app.app.passwords.work() - work, statements));
        }
        told.push(answers);
    }
    let [known, others @ ..] = told.as_slice() else { panic!("four addresses") };
    assert_eq!((known[9].0.0, known[9].1, known[10].0.0, known[10].1), (401, 1, 429, 0));
    for other in others {
        assert_eq!(other, known, "the same answers, the same work, the same statements");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_password_is_on_record_without_the_address_that_was_typed() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "recorded").await;
    guess(&app, &member.email, "Wrong-horse-7", STRANGER)
        .await
        .expect_error(401, "INVALID_CREDENTIALS");
    for _ in 0..2 {
        guess(&app, "nobody@example.uz", "Wrong-horse-7", STRANGER).await;
    }
    let refused =
        "SELECT object_type || ' ' || object_id || ' ' || (details->>'means') || ' ' || user_agent
                   FROM audit_log WHERE action = 'auth.sign_in_refused' ORDER BY id";
    let rows = app.database.texts(refused).await;
    let [theirs, nobodys, again] = rows.as_slice() else { panic!("three rows: {rows:?}") };
    assert_eq!(*theirs, format!("user {} password {STRANGER}", member.id));
    assert!(nobodys.starts_with("address ") && !nobodys.contains("nobody"), "{nobodys}");
    assert_eq!(nobodys, again, "guesses at one address are found together");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_for_the_present_password_counts_the_guesses_together() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "stolen-session").await;
    let wrong = "Wrong-horse-7";
    let close = json!({ "password": wrong });
    let contact = json!({ "phone_number": "+998901234567", "current_password": wrong });
    let google = json!({ "id_token": "x", "current_password": wrong });
    for _ in 0..4 {
        member
            .client
            .post("auth/account/delete/", close.clone())
            .await
            .expect_error(403, "REAUTH_REQUIRED");
        member.client.patch("auth/me/", contact.clone()).await.expect_error(403, "REAUTH_REQUIRED");
    }
    for _ in 0..2 {
        member
            .client
            .post("auth/google/link/", google.clone())
            .await
            .expect_error(403, "REAUTH_REQUIRED");
    }
    let right = json!({ "password": Member::PASSWORD });
    let reply = member.client.post("auth/account/delete/", right.clone()).await;
    assert!(reply.expect_error(429, "TOO_MANY_ATTEMPTS").headers.contains_key("retry-after"));
    let change = json!({ "old_password": wrong, "new_password": "Another-horse-8", "new_password_confirm": "Another-horse-8" });
    member
        .client
        .post("auth/password/change/", change)
        .await
        .expect_error(429, "TOO_MANY_ATTEMPTS");
    app.advance("31 seconds").await;
    member.client.post("auth/account/delete/", right).await.expect(200);
    assert!(counts(&app).await.is_empty(), "the right password forgives the wrong ones");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_present_password_is_no_guess_whatever_is_wrong_with_the_new_one() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "undecided").await;
    let same = Member::PASSWORD;
    let change =
        json!({ "old_password": same, "new_password": same, "new_password_confirm": same });
    for _ in 0..12 {
        let reply = member.client.post("auth/password/change/", change.clone()).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details/new_password").is_array(), "{}", reply.text);
    }
    assert!(counts(&app).await.is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_known_may_not_guess_for_ever_either() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "shared-laptop").await;
    for _ in 0..10 {
        let wrong = guess(&app, &member.email, "Wrong-horse-7", Member::DEVICE).await;
        wrong.expect_error(401, "INVALID_CREDENTIALS");
    }
    let right = guess(&app, &member.email, Member::PASSWORD, Member::DEVICE).await;
    right.expect_error(429, "TOO_MANY_ATTEMPTS");
    guess(&app, &member.email, Member::PASSWORD, "A phone").await.expect(200);
    let (_, token) = member.reset_link(&app).await;
    let body = json!({ "token": token, "password": "Another-horse-8", "password_confirm": "Another-horse-8" });
    app.client.post("auth/password/reset/confirm/", body).await.expect(200);
    app.advance("32 seconds").await;
    guess(&app, &member.email, "Another-horse-8", Member::DEVICE).await.expect(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_signing_in_left_behind_is_forgotten_when_it_decides_nothing() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "old").await;
    guess(&app, "nobody@example.uz", "Wrong-horse-7", STRANGER).await;
    member.reset_link(&app).await;
    let wish = json!({ "email": "elsewhere@example.uz", "current_password": Member::PASSWORD });
    member.client.patch("auth/me/", wish).await.expect(200);
    let (_, refresh) = member.sign_in(&app, Member::DEVICE).await;
    app.client.post("auth/logout/", json!({ "refresh": refresh })).await.expect(200);
    let rows = async || {
        let mut counts = Vec::new();
        for table in [
            "sign_in_failures",
            "password_resets",
            "known_devices",
            "email_tokens",
            "email_changes",
            "sessions",
        ] {
            let sql = format!("SELECT count(*) FROM {table}");
            counts.push(app.database.number(&sql).await);
        }
        counts
    };
    // The session of the registration ends by its age, a month later.
    for (later, left) in [
        ("23 hours", [1, 1, 1, 1, 1, 2]),
        ("2 hours", [0, 1, 1, 1, 1, 2]),
        ("6 days", [0, 0, 1, 1, 1, 2]),
        ("22 days 22 hours", [0, 0, 1, 1, 1, 2]),
        ("2 hours", [0, 0, 1, 1, 1, 1]),
        ("22 hours", [0, 0, 1, 1, 1, 1]),
        ("2 hours", [0, 0, 1, 0, 0, 1]),
        ("28 days 22 hours", [0, 0, 1, 0, 0, 1]),
        ("2 hours", [0, 0, 1, 0, 0, 0]),
        ("119 days", [0, 0, 1, 0, 0, 0]),
        ("2 days", [0, 0, 0, 0, 0, 0]),
    ] {
        app.advance(later).await;
        app.enqueue(PruneSignInRecords::default()).await;
        app.run_due_jobs().await;
        assert_eq!(rows().await, left, "{later} later");
    }
    app.finish().await;
}
