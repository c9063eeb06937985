//! A number is a key: who may add one to an account, and who may keep its owner from using it.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Person, Race, Reply, TestApp, mail, sms};

use super::super::profile::{PASSWORD, with_password};
use super::{MINE, OTHER, count};

/// Has a code that proves a number sent there, and reads it: whoever does so holds the phone.
async fn proof(app: &TestApp, person: &Client, number: &str) -> Value {
    app.advance("61 seconds").await;
    let body = json!({ "phone_number": number, "purpose": "verify_phone" });
    let asked = person.post("auth/otp/request/", body).await.expect(200);
    app.run_due_jobs().await;
    let code = sms::code_to(&app.sms_dir, number).expect("a message");
    json!({ "request_id": asked.text_at("/request_id"), "code": code })
}

async fn prove(person: &Client, proof: &Value, shown: Value) -> Reply {
    let mut body = proof.clone();
    body.as_object_mut().expect("an object").extend(shown.as_object().expect("one").clone());
    person.post("auth/phone/verify/", body).await
}

async fn set(app: &TestApp, person: &Person, columns: &str) {
    app.database.execute(&format!("UPDATE users SET {columns} WHERE id = '{}'", person.id)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_session_adds_no_number_and_the_owner_hears_of_a_new_one() {
    let app = TestApp::start().await;
    let person = with_password(&app, app.person("victim").await).await;
    let mine = format!("phone_number = '{MINE}', phone_verified_at = app_now()");
    set(&app, &person, &mine).await;
    // The thief has the access token, and a phone of their own.
    let stolen = proof(&app, &person.client, OTHER).await;
    for shown in [
        json!({}),
        json!({ "current_password": "" }),
        json!({ "current_password": "Wrong-horse-7" }),
        json!({ "reauth_code": stolen["code"] }),
    ] {
        let reply = prove(&person.client, &stolen, shown.clone()).await;
        let reply = reply.expect_error(403, "REAUTH_REQUIRED");
        assert_eq!(reply.at("/error/details/methods"), &json!(["password"]), "{shown}");
    }
    let before = person.client.get("auth/me/").await.expect(200);
    assert_eq!(before.text_at("/phone_number"), MINE);
    // The owner proves their new phone with the same code: it was not used up.
    let shown = json!({ "current_password": PASSWORD });
    let proved = prove(&person.client, &stolen, shown.clone()).await.expect(200);
    assert_eq!(proved.text_at("/phone_number"), OTHER);
    app.run_due_jobs().await;
    let letters = mail::mails_to(&app.mail_dir, &person.email);
    assert_eq!(letters.iter().filter(|letter| letter.contains("phone number")).count(), 1);
    prove(&person.client, &stolen, shown).await.expect_error(400, "CODE_INVALID");

    // The number that they typed themselves needs nothing more than its own code.
    let typed = with_password(&app, app.person("typed").await).await;
    set(&app, &typed, &format!("phone_number = '{MINE}'")).await;
    let own = proof(&app, &typed.client, MINE).await;
    prove(&typed.client, &own, json!({})).await.expect(200);
    app.run_due_jobs().await;
    assert!(mail::mails_to(&app.mail_dir, &typed.email).is_empty(), "it is the same number");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_password_confirms_another_number_by_a_code_to_the_one_before() {
    let app = TestApp::start().await;
    let person = app.person("by-code").await;
    // Without any number yet, a new session is the consent, and an old one is none.
    let first = proof(&app, &person.client, MINE).await;
    app.database.execute("UPDATE sessions SET created_at = created_at - interval '1 hour'").await;
    let reply = prove(&person.client, &first, json!({})).await;
    let reply = reply.expect_error(403, "REAUTH_REQUIRED");
    assert_eq!(reply.at("/error/details/methods"), &json!(["sign_in"]));
    app.database.execute("UPDATE sessions SET created_at = app_now()").await;
    prove(&person.client, &first, json!({})).await.expect(200);

    let second = proof(&app, &person.client, OTHER).await;
    let reply = prove(&person.client, &second, json!({})).await;
    let reply = reply.expect_error(403, "REAUTH_REQUIRED");
    assert_eq!(reply.at("/error/details/methods"), &json!(["code"]));
    assert!(reply.at("/error/details/reauth_code").is_array(), "{}", reply.text);
    let reauth = json!({ "purpose": "reauth" });
    person.client.post("auth/otp/request/", reauth).await.expect(200);
    app.run_due_jobs().await;
    let code = sms::code_to(&app.sms_dir, MINE).expect("a message");
    let proved = prove(&person.client, &second, json!({ "reauth_code": code })).await.expect(200);
    assert_eq!(proved.text_at("/phone_number"), OTHER);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_prove_each_others_typed_numbers_wait_and_not_for_ever() {
    let app =
        TestApp::start_with(&[("SMS_CODES_PER_IP", "1000"), ("SMS_CODES_PER_HOUR", "1000")]).await;
    let mut race = Race::new("two people prove each other's typed numbers", 6);
    for round in race.rounds() {
        let (one, two) = (
            with_password(&app, app.person("one").await).await,
            with_password(&app, app.person("two").await).await,
        );
        let (left, right) =
            (format!("+99890{:07}", 2_000_000 + round), format!("+99891{:07}", 2_000_000 + round));
        set(&app, &one, &format!("phone_number = '{left}'")).await;
        set(&app, &two, &format!("phone_number = '{right}'")).await;
        let of_one = proof(&app, &one.client, &right).await;
        let of_two = proof(&app, &two.client, &left).await;
        let shown = || json!({ "current_password": PASSWORD });
        let (first, second) = race
            .duel(prove(&one.client, &of_one, shown()), prove(&two.client, &of_two, shown()))
            .await;
        assert_eq!(first.expect(200).text_at("/phone_number"), right);
        assert_eq!(second.expect(200).text_at("/phone_number"), left);
        race.saw("exchanged");
    }
    race.end(&["exchanged"]);
    app.finish().await;
}

/// Somebody behind a proxy of ours.
async fn from(app: &TestApp, address: &str, path: &str, body: Value) -> Reply {
    let request = app.client.request(Method::POST, path).header("X-Forwarded-For", address);
    app.client.send(request.json(&body)).await
}

/// Digits that are not the code, another for each number.
fn wrong(code: &str, number: u32) -> String {
    format!("{:06}", (code.parse::<u32>().expect("digits") + 1 + number) % 1_000_000)
}

async fn bot_code(app: &TestApp, telegram_id: i64, number: &str) -> String {
    let body = json!({ "telegram_id": telegram_id, "phone_number": number });
    let request = app.client.request(Method::POST, "auth/telegram/otp/create/");
    let request = request.header("X-Bot-Secret", "development-bot-secret").json(&body);
    let reply = app.client.send(request).await.expect(200);
    app.run_due_jobs().await;
    reply.text_at("/code").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_who_knows_a_phone_uses_up_the_tries_of_their_own_network() {
    let app = TestApp::start_with(&[("TRUSTED_PROXY_COUNT", "1")]).await;
    let path = "auth/register/telegram/";
    let digits = bot_code(&app, 42, MINE).await;
    let guess = async |address: &str, code: &str| {
        from(&app, address, path, json!({ "phone": MINE, "code": code })).await
    };
    for number in 0..5 {
        let address = format!("203.0.113.{number}");
        guess(&address, &wrong(&digits, number)).await.expect_error(400, "CODE_INVALID");
    }
    let sixth = guess("203.0.113.200", &digits).await;
    sixth.expect_error(400, "CODE_INVALID");
    let exhausted = "SELECT count(*) FROM audit_log WHERE action = 'auth.code_exhausted'";
    assert_eq!(app.database.number(exhausted).await, 1);
    // The owner's network has tries of its own.
    guess("198.51.100.7", &wrong(&digits, 5)).await.expect_error(400, "CODE_INVALID");
    guess("198.51.100.7", &digits).await.expect(201);

    // All networks together have 25.
    let digits = bot_code(&app, 42, MINE).await;
    for number in 0..25 {
        let address = format!("10.0.{}.1", number / 5);
        guess(&address, &wrong(&digits, number)).await.expect_error(400, "CODE_INVALID");
    }
    guess("10.0.99.1", &digits).await.expect_error(400, "CODE_INVALID");
    let tried = "SELECT max(attempts)::bigint FROM one_time_codes";
    assert_eq!(app.database.number(tried).await, 25);
    assert_eq!(count(&app, "sessions").await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_uses_up_the_messages_of_a_numbers_owner() {
    let limits = [("SMS_CODES_PER_PHONE", "3"), ("SMS_CODES_PER_IP", "100")];
    let app = TestApp::start_with(&limits).await;
    let (owner, other) = (app.person("owner").await, app.person("other").await);
    set(&app, &owner, &format!("phone_number = '{MINE}', phone_verified_at = app_now()")).await;
    let sign_in = json!({ "phone_number": MINE });
    let verify = json!({ "phone_number": MINE, "purpose": "verify_phone" });
    for _ in 0..3 {
        app.advance("61 seconds").await;
        app.client.post("auth/otp/request/", sign_in.clone()).await.expect(200);
        other.client.post("auth/otp/request/", verify.clone()).await.expect(200);
    }
    for purpose in ["reauth", "delete_account"] {
        let body = json!({ "purpose": purpose });
        owner.client.post("auth/otp/request/", body.clone()).await.expect(200);
        let again = owner.client.post("auth/otp/request/", body).await;
        again.expect_error(429, "RATE_LIMITED");
        app.advance("61 seconds").await;
        app.client
            .post("auth/otp/request/", sign_in.clone())
            .await
            .expect_error(429, "RATE_LIMITED");
        other
            .client
            .post("auth/otp/request/", verify.clone())
            .await
            .expect_error(429, "RATE_LIMITED");
    }
    app.run_due_jobs().await;
    app.finish().await;
}
