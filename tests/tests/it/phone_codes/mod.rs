//! Codes by SMS: what they open, what they do not, and whose a number is.

mod keys;
mod sending;

use serde_json::{Value, json};
use shared::accounts::codes::{Purpose, consume};
use tests::{Race, Reply, TestApp, sms};

use super::profile::{self, with_password};

const MINE: &str = "+998901234567";
const OTHER: &str = "+998907654321";
const PASSWORD: &str = "Correct-horse-7";

/// A code that was asked for and sent.
struct Asked {
    request: String,
    code: String,
}

impl Asked {
    async fn verify(&self, app: &TestApp) -> Reply {
        verify(app, &self.request, &self.code).await
    }

    /// Digits that are not the code, another for each number.
    fn wrong(&self, number: u32) -> String {
        let code: u32 = self.code.parse().expect("digits");
        format!("{:06}", (code + 1 + number) % 1_000_000)
    }
}

async fn ask(app: &TestApp, number: &str) -> Asked {
    let body = json!({ "phone_number": number });
    let reply = app.client.post("auth/otp/request/", body).await.expect(200);
    app.run_due_jobs().await;
    let code = sms::code_to(&app.sms_dir, number).expect("a message");
    Asked { request: reply.text_at("/request_id").to_owned(), code }
}

async fn verify(app: &TestApp, request: &str, code: &str) -> Reply {
    let body = json!({ "request_id": request, "code": code });
    app.client.post("auth/otp/verify/", body).await
}

async fn verify_newest(app: &TestApp, number: &str, code: &str) -> Reply {
    app.client.post("auth/otp/verify/", json!({ "phone_number": number, "code": code })).await
}

/// Whether a guess was refused, or told to come back: many wait for one phone.
fn is_refused(reply: &Reply) -> bool {
    matches!((reply.status, reply.code()), (400, "CODE_INVALID") | (503, _))
}

/// Whether a request was limited, or told to come back.
fn is_limited(reply: &Reply) -> bool {
    matches!((reply.status, reply.code()), (429, "RATE_LIMITED") | (503, _))
}

async fn count(app: &TestApp, table: &str) -> i64 {
    app.database.number(&format!("SELECT count(*) FROM {table}")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_registers_who_is_new_and_signs_in_who_is_not() {
    let app = TestApp::start().await;
    let request = app.client.request(reqwest::Method::POST, "auth/otp/request/");
    let request = request
        .header("Accept-Language", "ru")
        .json(&json!({ "phone_number": "998 90 123-45-67" }));
    let asked = app.client.send(request).await.expect(200);
    assert_eq!((asked.at("/expires_in"), asked.at("/resend_after")), (&json!(300), &json!(60)));
    assert_eq!(asked.headers["cache-control"], "no-store");
    app.run_due_jobs().await;
    let messages = sms::messages_to(&app.sms_dir, MINE);
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    let text = message["text"].as_str().expect("a text");
    assert!(text.contains("код входа"), "{text}");
    assert_eq!(message["channel"], "sms");
    let code = sms::code_in(text);
    let new = verify(&app, asked.text_at("/request_id"), &code).await.expect(200);
    assert_eq!(
        (
            new.text_at("/user/phone_number"),
            new.at("/user/is_verified"),
            new.text_at("/user/language")
        ),
        (MINE, &json!(true), "ru")
    );
    let shown = new.at("/user").to_string();
    assert!(new.text_at("/user/email").ends_with("@phone.wibestore.local"), "{shown}");
    assert!(
        !new.text_at("/user/display_name").contains("901234567"),
        "the number is not given away: {shown}"
    );
    let me = app.client.with_token(new.text_at("/tokens/access"));
    me.get("auth/me/").await.expect(200);
    app.advance("61 seconds").await;
    let again = ask(&app, MINE).await;
    let known = verify_newest(&app, "+998 (90) 123-45-67", &again.code).await.expect(200);
    assert_eq!(known.text_at("/user/id"), new.text_at("/user/id"));
    assert_eq!((count(&app, "users").await, count(&app, "sessions").await), (1, 2));
    let audited = "SELECT count(*) FROM audit_log WHERE action = 'auth.signed_in' AND details->>'means' = 'phone'";
    assert_eq!(app.database.number(audited).await, 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_opens_nothing_when_it_is_wrong_late_tried_too_often_used_or_of_something_else() {
    let app = TestApp::start_with(&[("SMS_CODES_PER_PHONE", "100")]).await;
    let nothing = async |reply: Reply, why: &str| {
        let reply = reply.expect_error(400, "CODE_INVALID");
        assert_eq!(reply.at("/error/details"), &json!({}), "{why}: nobody is told which");
    };
    // Five wrong tries, and the right one comes too late.
    let asked = ask(&app, MINE).await;
    for number in 0..5 {
        nothing(verify(&app, &asked.request, &asked.wrong(number)).await, "wrong").await;
    }
    nothing(asked.verify(&app).await, "the sixth guess").await;
    nothing(verify_newest(&app, MINE, &asked.code).await, "the sixth guess").await;
    let exhausted = "SELECT count(*) FROM audit_log WHERE action = 'auth.code_exhausted'";
    assert_eq!(app.database.number(exhausted).await, 1);
    // Too late.
    app.advance("2 minutes").await;
    let asked = ask(&app, MINE).await;
    app.advance("5 minutes").await;
    nothing(asked.verify(&app).await, "after five minutes").await;
    // Of another phone.
    let (mine, other) = (ask(&app, MINE).await, ask(&app, OTHER).await);
    nothing(verify(&app, &mine.request, &other.code).await, "of another phone").await;
    nothing(verify_newest(&app, MINE, &other.code).await, "of another phone").await;
    // Of no request, and of no phone that ever asked.
    let unknown = "0192f0c1-5e6a-7b3c-8d4e-5f6a7b8c9d0e";
    nothing(verify(&app, unknown, &mine.code).await, "of no request").await;
    nothing(verify_newest(&app, "+998901112233", &mine.code).await, "of no request").await;
    // Of another purpose.
    let person = app.person("ali").await;
    app.advance("2 minutes").await;
    let body = json!({ "phone_number": MINE, "purpose": "verify_phone" });
    let proof = person.client.post("auth/otp/request/", body).await.expect(200);
    app.run_due_jobs().await;
    let code = sms::code_to(&app.sms_dir, MINE).expect("a message");
    nothing(verify(&app, proof.text_at("/request_id"), &code).await, "of another purpose").await;
    assert_eq!((count(&app, "users").await, count(&app, "sessions").await), (1, 1));
    // An older code is worth something to whoever asked for it, until one of the phone was used.
    app.advance("2 minutes").await;
    let older = ask(&app, OTHER).await;
    app.advance("2 minutes").await;
    let newer = ask(&app, OTHER).await;
    nothing(verify_newest(&app, OTHER, &older.code).await, "the newest decides").await;
    older.verify(&app).await.expect(200);
    nothing(newer.verify(&app).await, "one of the phone was used").await;
    nothing(older.verify(&app).await, "used").await;
    assert_eq!((count(&app, "users").await, count(&app, "sessions").await), (2, 2));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_not_right_is_refused_by_its_field() {
    let app = TestApp::start().await;
    for (path, body, field) in [
        ("auth/otp/request/", json!({}), "phone_number"),
        ("auth/otp/request/", json!({ "phone_number": "" }), "phone_number"),
        ("auth/otp/request/", json!({ "phone_number": "+79001234567" }), "phone_number"),
        ("auth/otp/request/", json!({ "phone_number": "+99890123456" }), "phone_number"),
        ("auth/otp/request/", json!({ "phone_number": "9".repeat(99) }), "phone_number"),
        ("auth/otp/request/", json!({ "phone_number": MINE, "purpose": "telegram" }), "purpose"),
        ("auth/otp/request/", json!({ "phone_number": MINE, "purpose": "x" }), "purpose"),
        ("auth/otp/request/", json!({ "phone_number": MINE, "ip": "1.1.1.1" }), "ip"),
        ("auth/otp/verify/", json!({ "code": "123456" }), "request_id"),
        ("auth/otp/verify/", json!({ "phone_number": "1", "code": "123456" }), "phone_number"),
        ("auth/otp/verify/", json!({ "phone_number": MINE }), "code"),
        ("auth/otp/verify/", json!({ "phone_number": MINE, "code": 123_456 }), "code"),
        ("auth/otp/verify/", json!({ "request_id": "x", "code": "123456" }), "request_id"),
    ] {
        let reply = app.client.post(path, body.clone()).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details").get(field).is_some(), "{body}: {}", reply.text);
    }
    for purpose in ["verify_phone", "reauth", "delete_account"] {
        let body = json!({ "phone_number": MINE, "purpose": purpose });
        let reply = app.client.post("auth/otp/request/", body).await;
        reply.expect_error(401, "NOT_AUTHENTICATED");
    }
    assert_eq!(count(&app, "one_time_codes").await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_code_in_many_requests_opens_one_session() {
    let app = TestApp::start_with(&[("SMS_CODES_PER_PHONE", "100")]).await;
    let mut race = Race::new("32 requests with one right code", 3);
    for _ in race.rounds() {
        app.advance("10 minutes").await;
        let before = count(&app, "sessions").await;
        let asked = ask(&app, MINE).await;
        let replies = race.crowd((0..32).map(|_| asked.verify(&app))).await;
        let opened = replies.iter().filter(|reply| reply.status == 200).count();
        assert!(replies.iter().all(|reply| reply.status == 200 || is_refused(reply)));
        assert_eq!(opened, 1);
        assert_eq!(count(&app, "sessions").await, before + 1);
        race.saw("one session");
    }
    race.end(&["one session"]);
    assert_eq!(count(&app, "users").await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_try_counts_however_many_come_at_once() {
    let app = TestApp::start_with(&[("SMS_CODES_PER_PHONE", "100")]).await;
    let mut race = Race::new("16 wrong codes at once", 3);
    for _ in race.rounds() {
        app.advance("10 minutes").await;
        let asked = ask(&app, MINE).await;
        let tries = (0..16).map(|number| {
            let (app, asked) = (&app, &asked);
            async move { verify(app, &asked.request, &asked.wrong(number)).await }
        });
        for reply in race.crowd(tries).await {
            assert!(is_refused(&reply), "{}", reply.text);
        }
        let attempts =
            format!("SELECT attempts::bigint FROM one_time_codes WHERE id = '{}'", asked.request);
        assert_eq!(app.database.number(&attempts).await, 5);
        asked.verify(&app).await.expect_error(400, "CODE_INVALID");
        race.saw("five tries");
    }
    race.end(&["five tries"]);
    assert_eq!(count(&app, "sessions").await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_codes_of_one_phone_make_one_account() {
    let app =
        TestApp::start_with(&[("SMS_CODES_PER_PHONE", "100"), ("SMS_CODES_PER_IP", "100")]).await;
    let mut race = Race::new("two codes of one phone", 3);
    for round in race.rounds() {
        let number = format!("+99890{:07}", 1_000_000 + round);
        let first = ask(&app, &number).await;
        app.advance("61 seconds").await;
        let second = ask(&app, &number).await;
        let (left, right) = race.duel(first.verify(&app), second.verify(&app)).await;
        let mut statuses = [left.status, right.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "{} {}", left.text, right.text);
        let people = format!("SELECT count(*) FROM users WHERE phone_number = '{number}'");
        assert_eq!(app.database.number(&people).await, 1);
        race.saw("one account");
    }
    race.end(&["one account"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_limited_by_phone_by_address_and_in_all() {
    let limits =
        [("SMS_CODES_PER_PHONE", "3"), ("SMS_CODES_PER_IP", "5"), ("SMS_CODES_PER_HOUR", "7")];
    let app = TestApp::start_with(&limits).await;
    let request = async |number: &str| {
        app.client.post("auth/otp/request/", json!({ "phone_number": number })).await
    };
    let limited = async |number: &str, at_least: u64, at_most: u64| {
        let reply = request(number).await.expect_error(429, "RATE_LIMITED");
        let wait = reply.at("/error/details/retry_after").as_u64().expect("seconds");
        assert!((at_least..=at_most).contains(&wait), "{wait}");
        assert_eq!(reply.headers["retry-after"], wait.to_string());
    };
    let unknown = request(MINE).await.expect(200);
    limited(MINE, 50, 60).await;
    limited(" 998901234567", 50, 60).await;
    for _ in 0..2 {
        app.advance("61 seconds").await;
        request(MINE).await.expect(200);
    }
    app.advance("61 seconds").await;
    limited(MINE, 3_000, 3_600).await;
    // Somebody who is known gets the same answer.
    app.person("ali").await;
    let proved =
        format!("UPDATE users SET phone_number = '{OTHER}', phone_verified_at = app_now()");
    app.database.execute(&proved).await;
    let known = request(OTHER).await.expect(200);
    let fields = |reply: &Reply| {
        let mut shape = reply.json.clone();
        shape["request_id"] = Value::Null;
        shape
    };
    assert_eq!(fields(&known), fields(&unknown));
    request("+998901112233").await.expect(200);
    limited("+998901112244", 3_000, 3_600).await;
    app.database.execute("UPDATE one_time_codes SET ip = '192.0.2.1'").await;
    request("+998901112255").await.expect(200);
    app.advance("61 seconds").await;
    app.database.execute("UPDATE one_time_codes SET ip = '192.0.2.1'").await;
    limited("+998901112266", 3_000, 3_600).await;
    // A fifth of the platform's limit is kept for numbers that somebody has proved.
    request(OTHER).await.expect(200);
    app.advance("61 seconds").await;
    limited(OTHER, 3_000, 3_600).await;
    app.advance("1 hour").await;
    request(MINE).await.expect(200);
    assert_eq!(count(&app, "one_time_codes").await, 8);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_phone_is_rung_once_however_many_ask_at_once() {
    let app = TestApp::start().await;
    let mut race = Race::new("16 requests for one phone", 2);
    for round in race.rounds() {
        let body = json!({ "phone_number": format!("+99890{:07}", 1_000_000 + round) });
        let asks = (0..16).map(|_| app.client.post("auth/otp/request/", body.clone()));
        let replies = race.crowd(asks).await;
        let sent = replies.iter().filter(|reply| reply.status == 200).count();
        assert!(replies.iter().all(|reply| reply.status == 200 || is_limited(reply)));
        assert_eq!(sent, 1);
        race.saw("one message");
    }
    race.end(&["one message"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_registers_somebody_elses_phone_and_waits_for_them() {
    let app = TestApp::start().await;
    let body = json!({ "email": "thief@mail.uz", "password": PASSWORD, "phone_number": MINE });
    let thief = app.client.post("auth/register/", body).await.expect(201);
    let victim = ask(&app, MINE).await.verify(&app).await.expect(200);
    assert_ne!(victim.text_at("/user/id"), thief.text_at("/user/id"));
    assert_eq!(victim.text_at("/user/phone_number"), MINE);
    let thief = app.client.with_token(thief.text_at("/tokens/access"));
    assert_eq!(thief.get("auth/me/").await.expect(200).at("/phone_number"), &Value::Null);
    let claim = json!({ "phone_number": MINE, "current_password": PASSWORD });
    thief.patch("auth/me/", claim).await.expect_error(409, "ALREADY_EXISTS");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_proves_a_number_takes_it_from_who_typed_it_and_not_from_who_proved_it() {
    let app = TestApp::start().await;
    let (ali, vali) = (app.person("ali").await, app.person("vali").await);
    vali.client.patch("auth/me/", json!({ "phone_number": MINE })).await.expect(200);
    let prove = async |person: &tests::Person| {
        app.advance("61 seconds").await;
        let body = json!({ "phone_number": MINE, "purpose": "verify_phone" });
        let asked = person.client.post("auth/otp/request/", body).await.expect(200);
        app.run_due_jobs().await;
        let code = sms::code_to(&app.sms_dir, MINE).expect("a message");
        json!({ "request_id": asked.text_at("/request_id"), "code": code })
    };
    let proof = prove(&ali).await;
    app.client
        .post("auth/phone/verify/", proof.clone())
        .await
        .expect_error(401, "NOT_AUTHENTICATED");
    vali.client.post("auth/phone/verify/", proof).await.expect_error(400, "CODE_INVALID");
    let proof = prove(&ali).await;
    let proved = ali.client.post("auth/phone/verify/", proof.clone()).await.expect(200);
    assert_eq!(
        (proved.text_at("/phone_number"), proved.text_at("/id")),
        (MINE, ali.id.to_string().as_str())
    );
    ali.client.post("auth/phone/verify/", proof).await.expect_error(400, "CODE_INVALID");
    assert_eq!(vali.client.get("auth/me/").await.expect(200).at("/phone_number"), &Value::Null);
    let proof = prove(&vali).await;
    vali.client.post("auth/phone/verify/", proof).await.expect_error(409, "ALREADY_EXISTS");
    let proven = format!(
        "SELECT count(*) FROM users WHERE id = '{}' AND phone_verified_at IS NOT NULL",
        ali.id
    );
    assert_eq!(app.database.number(&proven).await, 1);
    // Another number is another proof; this person has nothing else to sign in with.
    let reply = ali.client.patch("auth/me/", json!({ "phone_number": OTHER })).await;
    reply.expect_error(400, "VALIDATION_ERROR");
    ali.client
        .patch("auth/me/", json!({ "phone_number": MINE, "full_name": "Ali" }))
        .await
        .expect(200);
    let ali = with_password(&app, ali).await;
    let changed = json!({ "phone_number": OTHER, "current_password": profile::PASSWORD });
    ali.client.patch("auth/me/", changed).await.expect(200);
    assert_eq!(app.database.number(&proven).await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_is_confirmed_by_a_code_to_ones_own_proven_phone() {
    let app = TestApp::start().await;
    let ali = app.person("ali").await;
    let ask = async |body: Value| ali.client.post("auth/otp/request/", body).await;
    let closing = json!({ "purpose": "delete_account" });
    ask(closing.clone()).await.expect_error(409, "INVALID_STATE");
    let has = |number: &str| {
        format!(
            "UPDATE users SET phone_number = '{number}', phone_verified_at = app_now() WHERE id = '{}'",
            ali.id
        )
    };
    app.database.execute(&has(MINE)).await;
    let elsewhere = json!({ "purpose": "delete_account", "phone_number": OTHER });
    ask(elsewhere).await.expect_error(400, "VALIDATION_ERROR");
    ask(closing.clone()).await.expect(200);
    app.run_due_jobs().await;
    let code = sms::code_to(&app.sms_dir, MINE).expect("a message");
    let confirm = async |purpose: Purpose, code: &str| {
        let (app, id) = (&app.app, ali.id);
        let guess = app.db.transaction(async |tx| consume(tx, app, id, purpose, code).await).await;
        guess.expect("answers").into_result().is_ok()
    };
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert!(!confirm(Purpose::DeleteAccount, wrong).await);
    assert_eq!(
        app.database.number("SELECT attempts::bigint FROM one_time_codes").await,
        1,
        "committed"
    );
    assert!(!confirm(Purpose::Reauth, &code).await, "for another step");
    assert!(confirm(Purpose::DeleteAccount, &code).await);
    assert!(!confirm(Purpose::DeleteAccount, &code).await, "once");
    // A code of a number that they have given up proves nothing.
    app.advance("61 seconds").await;
    ask(closing).await.expect(200);
    app.run_due_jobs().await;
    let code = sms::code_to(&app.sms_dir, MINE).expect("a message");
    app.database.execute(&has(OTHER)).await;
    assert!(!confirm(Purpose::DeleteAccount, &code).await);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_banned_person_gets_no_session_and_their_code_is_used() {
    let app = TestApp::start().await;
    ask(&app, MINE).await.verify(&app).await.expect(200);
    app.database.execute("UPDATE users SET is_active = false").await;
    app.advance("61 seconds").await;
    let asked = ask(&app, MINE).await;
    asked.verify(&app).await.expect_error(403, "ACCOUNT_DISABLED");
    app.database.execute("UPDATE users SET is_active = true").await;
    asked.verify(&app).await.expect_error(400, "CODE_INVALID");
    assert_eq!(count(&app, "sessions").await, 1);
    app.finish().await;
}
