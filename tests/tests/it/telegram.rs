//! Signing in through the Telegram bot, as the frontend and the bot do it.

use serde_json::{Value, json};
use tests::{Race, Reply, TestApp, sms};

const MINE: &str = "+998901234567";
const OTHER: &str = "+998907654321";
const SECRET: &str = "development-bot-secret";
const CREATE: &str = "auth/telegram/otp/create/";

/// The bot asks for a code.
async fn bot(app: &TestApp, headers: &[(&str, &str)], body: Value) -> Reply {
    let mut request = app.client.request(reqwest::Method::POST, CREATE);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.client.send(request.json(&body)).await
}

async fn code(app: &TestApp, telegram_id: i64, number: &str) -> String {
    let body = json!({ "telegram_id": telegram_id, "phone_number": number, "full_name": "Ali Valiyev", "username": "@ali" });
    let reply = bot(app, &[("X-Bot-Secret", SECRET)], body).await.expect(200);
    reply.text_at("/code").to_owned()
}

async fn register(app: &TestApp, number: &str, code: &str) -> Reply {
    app.client.post("auth/register/telegram/", json!({ "phone": number, "code": code })).await
}

async fn log_in(app: &TestApp, number: &str, code: &str) -> Reply {
    let body = json!({ "phone": number, "code": code, "mode": "login" });
    app.client.post("auth/register/telegram/", body).await
}

async fn count(app: &TestApp, table: &str) -> i64 {
    app.database.number(&format!("SELECT count(*) FROM {table}")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_registers_and_signs_in_with_what_the_bot_shows() {
    let app = TestApp::start().await;
    let body = json!({ "telegram_id": 42, "phone_number": "998901234567", "full_name": "Ali Valiyev", "photo_url": "https://t.me/i/1.jpg" });
    let shown = bot(&app, &[("X-Bot-Secret", SECRET)], body).await.expect(200);
    assert_eq!(
        (
            shown.at("/success"),
            shown.at("/remaining_seconds"),
            shown.at("/code_length"),
            shown.at("/expire_minutes")
        ),
        (&json!(true), &json!(300), &json!(6), &json!(5))
    );
    assert!(shown.text_at("/expires_at").contains('T'));
    assert_eq!(shown.headers["cache-control"], "no-store");
    let digits = shown.text_at("/code");
    assert!(digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits}");
    // A developer without a bot finds it where messages are.
    app.run_due_jobs().await;
    assert_eq!(sms::code_to(&app.sms_dir, MINE).as_deref(), Some(digits));
    assert_eq!(sms::messages_to(&app.sms_dir, MINE)[0]["channel"], "telegram");
    let new = register(&app, MINE, digits).await.expect(201);
    assert_eq!(new.at("/success"), &json!(true));
    assert!(!new.text_at("/message").is_empty());
    assert_eq!(new.text_at("/data/user/email"), "tg_42@telegram.wibestore.local");
    assert_eq!(
        (
            new.text_at("/data/user/full_name"),
            new.text_at("/data/user/phone_number"),
            new.at("/data/user/is_verified")
        ),
        ("Ali Valiyev", MINE, &json!(true))
    );
    assert!(!new.text_at("/data/tokens/refresh").is_empty());
    let me = app.client.with_token(new.text_at("/data/tokens/access"));
    me.get("auth/me/").await.expect(200);
    let digits = code(&app, 42, MINE).await;
    let known = log_in(&app, "+998 90 123 45 67", &digits).await.expect(201);
    assert_eq!(known.text_at("/data/user/id"), new.text_at("/data/user/id"));
    let stored = "SELECT telegram_id || ' ' || telegram_username || ' ' || (phone_verified_at IS NOT NULL) || ' ' || (password_hash IS NULL) FROM users";
    assert_eq!(app.database.texts(stored).await, ["42 ali true true"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_bot_gets_codes() {
    let app = TestApp::start().await;
    let body = || json!({ "telegram_id": 42, "phone_number": MINE });
    let now = app.database.number("SELECT extract(epoch FROM now())::bigint").await;
    let at = |seconds: i64| (now + seconds).to_string();
    let (late, early) = (at(-120), at(120));
    for headers in [
        &[][..],
        &[("X-Bot-Secret", "")],
        &[("X-Bot-Secret", "development-bot-secre")],
        &[("X-Bot-Secret", SECRET), ("X-Bot-Secret", SECRET)],
        &[("X-Bot-Secret", SECRET), ("X-Bot-Timestamp", late.as_str())],
        &[("X-Bot-Secret", SECRET), ("X-Bot-Timestamp", early.as_str())],
        &[("X-Bot-Secret", SECRET), ("X-Bot-Timestamp", "yesterday")],
        &[("Authorization", "Bearer development-bot-secret")],
    ] {
        let reply = bot(&app, headers, body()).await;
        assert_eq!(reply.status, 401, "{headers:?}: {}", reply.text);
    }
    let mut wrong = body();
    wrong["secret_key"] = json!("guess");
    bot(&app, &[], wrong).await.expect_error(401, "NOT_AUTHENTICATED");
    assert_eq!(count(&app, "one_time_codes").await, 0);
    for (change, field) in [
        (json!({ "telegram_id": 0 }), "telegram_id"),
        (json!({ "telegram_id": "42" }), "telegram_id"),
        (json!({ "phone_number": "+79001234567" }), "phone_number"),
        (json!({ "phone_number": "" }), "phone_number"),
        (json!({ "is_staff": true }), "is_staff"),
    ] {
        let mut body = body();
        body.as_object_mut().expect("an object").extend(change.as_object().expect("one").clone());
        let reply = bot(&app, &[("X-Bot-Secret", SECRET)], body).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details").get(field).is_some(), "{change}: {}", reply.text);
    }
    // In time, and as an older bot sends its secret.
    bot(&app, &[("X-Bot-Secret", SECRET), ("X-Bot-Timestamp", &at(0))], body()).await.expect(200);
    let mut older = body();
    older["secret_key"] = json!(SECRET);
    bot(&app, &[], older).await.expect(200);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_of_the_bot_opens_nothing_when_it_is_wrong_late_tried_too_often_used_or_replaced() {
    let app = TestApp::start().await;
    let nothing = |reply: Reply| {
        let reply = reply.expect_error(400, "CODE_INVALID");
        assert!(!reply.text_at("/error/message").is_empty(), "the frontend shows it");
    };
    let wrong = |code: &str, number: u32| {
        format!("{:06}", (code.parse::<u32>().expect("digits") + 1 + number) % 1_000_000)
    };
    let first = code(&app, 42, MINE).await;
    for number in 0..5 {
        nothing(register(&app, MINE, &wrong(&first, number)).await);
    }
    nothing(register(&app, MINE, &first).await);
    let late = code(&app, 42, MINE).await;
    app.advance("5 minutes").await;
    nothing(register(&app, MINE, &late).await);
    let replaced = code(&app, 42, MINE).await;
    let newest = code(&app, 42, MINE).await;
    if replaced != newest {
        nothing(register(&app, MINE, &replaced).await);
    }
    let other = code(&app, 43, OTHER).await;
    if other != newest {
        nothing(register(&app, MINE, &other).await);
    }
    nothing(register(&app, "+998901112233", &newest).await);
    let by_sms = json!({ "phone_number": MINE, "code": newest });
    nothing(app.client.post("auth/otp/verify/", by_sms).await);
    assert_eq!((count(&app, "users").await, count(&app, "sessions").await), (0, 0));
    register(&app, MINE, &newest).await.expect(201);
    nothing(register(&app, MINE, &newest).await);
    assert_eq!((count(&app, "users").await, count(&app, "sessions").await), (1, 1));
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_registered_is_told_so_and_registers_with_the_same_code() {
    let app = TestApp::start().await;
    let digits = code(&app, 42, MINE).await;
    log_in(&app, MINE, &digits).await.expect_error(400, "NOT_REGISTERED");
    assert_eq!((count(&app, "users").await, count(&app, "sessions").await), (0, 0));
    register(&app, MINE, &digits).await.expect(201);
    for (body, field) in [
        (json!({ "phone": MINE, "code": "123456", "mode": "admin" }), "mode"),
        (json!({ "phone": "", "code": "123456" }), "phone"),
        (json!({ "phone": MINE }), "code"),
    ] {
        let reply = app.client.post("auth/register/telegram/", body.clone()).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details").get(field).is_some(), "{body}: {}", reply.text);
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_code_in_many_requests_opens_one_session_of_one_account() {
    let app = TestApp::start().await;
    let mut race = Race::new("32 sign-ins with one code of the bot", 3);
    for round in race.rounds() {
        let number = format!("+99890{:07}", 1_000_000 + round);
        let digits = code(&app, 42 + i64::from(round), &number).await;
        let replies = race.crowd((0..32).map(|_| register(&app, &number, &digits))).await;
        let opened = replies.iter().filter(|reply| reply.status == 201).count();
        let refused = |reply: &&Reply| {
            matches!((reply.status, reply.code()), (400, "CODE_INVALID") | (503, _))
        };
        assert_eq!((opened, replies.iter().filter(refused).count()), (1, 31));
        let rounds = i64::from(round) + 1;
        assert_eq!((count(&app, "users").await, count(&app, "sessions").await), (rounds, rounds));
        race.saw("one session");
    }
    race.end(&["one session"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proven_number_links_the_account_once_and_a_typed_one_never() {
    let app = TestApp::start().await;
    // Ali proved his number by SMS: Telegram is linked to his account.
    app.client.post("auth/otp/request/", json!({ "phone_number": MINE })).await.expect(200);
    app.run_due_jobs().await;
    let sent = sms::code_to(&app.sms_dir, MINE).expect("a message");
    let body = json!({ "phone_number": MINE, "code": sent });
    let ali = app.client.post("auth/otp/verify/", body).await.expect(200);
    let linked = log_in(&app, MINE, &code(&app, 42, MINE).await).await.expect(201);
    assert_eq!(linked.text_at("/data/user/id"), ali.text_at("/user/id"));
    // Another account of Telegram with the same number does not get it.
    let reply = register(&app, MINE, &code(&app, 43, MINE).await).await;
    reply.expect_error(409, "TELEGRAM_ALREADY_LINKED");
    // The account of Telegram decides before the number does.
    let moved = log_in(&app, OTHER, &code(&app, 42, OTHER).await).await.expect(201);
    assert_eq!(moved.text_at("/data/user/id"), ali.text_at("/user/id"));
    assert_eq!(moved.text_at("/data/user/phone_number"), MINE, "the proven number stays");
    // Somebody who only typed a number neither gets its owner nor keeps them out.
    let thief = app.person("thief").await;
    thief.client.patch("auth/me/", json!({ "phone_number": OTHER })).await.expect(200);
    let digits = code(&app, 44, OTHER).await;
    log_in(&app, OTHER, &digits).await.expect_error(400, "NOT_REGISTERED");
    let kept = thief.client.get("auth/me/").await.expect(200);
    assert_eq!(kept.text_at("/phone_number"), OTHER, "who may not come in changes nothing");
    let owner = register(&app, OTHER, &digits).await.expect(201);
    assert_ne!(owner.text_at("/data/user/id"), thief.id.to_string());
    assert_eq!(owner.text_at("/data/user/phone_number"), OTHER);
    assert_eq!(thief.client.get("auth/me/").await.expect(200).at("/phone_number"), &Value::Null);
    // A banned person stays out.
    app.database.execute("UPDATE users SET is_active = false WHERE telegram_id = 44").await;
    let reply = log_in(&app, OTHER, &code(&app, 44, OTHER).await).await;
    reply.expect_error(403, "ACCOUNT_DISABLED");
    app.run_due_jobs().await;
    app.finish().await;
}
