//! Codes on their way: what is stored of them, what the provider's moods cost, and what is forgotten.

use serde_json::json;
use shared::jobs::kinds::{PruneIdempotencyKeys, SendSmsCode, SendWelcomeEmail};
use tests::{EskizServer, EskizWhim, TestApp, mail, sms};

use super::{MINE, OTHER, PASSWORD, ask, count, verify};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_stored_or_queued_shows_a_code_and_a_late_one_is_not_sent() {
    let app = TestApp::start().await;
    let asked = ask(&app, MINE).await;
    for table in ["one_time_codes", "jobs", "audit_log", "effects"] {
        let shown =
            format!("SELECT count(*) FROM {table} t WHERE t::text ~ '\\y{}\\y'", asked.code);
        assert_eq!(app.database.number(&shown).await, 0, "{table}");
    }
    let jobs = app.database.texts("SELECT args::text FROM jobs WHERE kind = 'send_sms_code'").await;
    assert_eq!(jobs, [format!("{{\"code_id\": \"{}\"}}", asked.request)]);
    app.advance("2 minutes").await;
    app.client.post("auth/otp/request/", json!({ "phone_number": MINE })).await.expect(200);
    app.advance("5 minutes").await;
    app.run_due_jobs().await;
    assert_eq!(sms::messages_to(&app.sms_dir, MINE).len(), 1, "a late code is not sent");
    // A second job of a code that was sent sends nothing.
    let request = asked.request.parse().expect("an id");
    std::fs::remove_dir_all(&app.sms_dir).expect("the messages");
    app.enqueue(SendSmsCode { code_id: shared::ids::CodeId(request) }).await;
    app.run_due_jobs().await;
    assert!(sms::messages_to(&app.sms_dir, MINE).is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_are_forgotten_after_a_day() {
    let app = TestApp::start().await;
    ask(&app, MINE).await;
    app.advance("23 hours").await;
    app.enqueue(PruneIdempotencyKeys::default()).await;
    app.run_due_jobs().await;
    assert_eq!(count(&app, "one_time_codes").await, 1);
    app.database
        .execute("INSERT INTO one_time_codes (id, phone_number, purpose, language, code_mac, expires_at, created_at)
                  SELECT gen_random_uuid(), '+998901234567', 'sign_in', 'uz', decode(repeat('00', 32), 'hex'), app_now(), app_now() - interval '2 days'
                  FROM generate_series(1, 2500)")
        .await;
    app.advance("2 hours").await;
    app.enqueue(PruneIdempotencyKeys::default()).await;
    app.run_due_jobs().await;
    assert_eq!(count(&app, "one_time_codes").await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_without_an_address_gets_no_letter_and_nobody_takes_such_an_address() {
    let app = TestApp::start().await;
    let person = ask(&app, MINE).await.verify(&app).await.expect(200);
    let user_id = person.text_at("/user/id").parse().expect("an id");
    app.enqueue(SendWelcomeEmail { user_id: shared::ids::UserId(user_id) }).await;
    app.run_due_jobs().await;
    assert!(mail::mails_to(&app.mail_dir, person.text_at("/user/email")).is_empty());
    let letters = "SELECT count(*) FROM effects WHERE effect_key LIKE 'mail:%'";
    assert_eq!(app.database.number(letters).await, 0);
    for email in ["tg_42@telegram.wibestore.local", "x@wibestore.local"] {
        let body = json!({ "email": email, "password": PASSWORD });
        let reply = app.client.post("auth/register/", body).await;
        reply.expect_error(400, "VALIDATION_ERROR");
    }
    app.finish().await;
}

/// State and attempts of the message jobs, oldest first.
async fn sms_jobs(app: &TestApp) -> Vec<String> {
    let jobs = "SELECT state || ' ' || attempt FROM jobs WHERE kind = 'send_sms_code' ORDER BY id";
    app.database.texts(jobs).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_survives_a_token_that_is_over_and_a_provider_that_stumbles() {
    let eskiz = EskizServer::start().await;
    let app = TestApp::start_with(&eskiz.settings()).await;
    let request = async |number: &str| {
        app.client.post("auth/otp/request/", json!({ "phone_number": number })).await.expect(200)
    };
    // The first message logs in; the next uses the same token.
    for number in [MINE, OTHER] {
        request(number).await;
        app.run_due_jobs().await;
    }
    assert_eq!((eskiz.logins(), eskiz.asked(), eskiz.messages().len()), (1, 2, 2));
    assert_eq!(eskiz.messages()[0]["mobile_phone"], "998901234567");
    assert_eq!(eskiz.messages()[0]["from"], "4546");
    // A token that is over is renewed, and the message goes out in the same run.
    eskiz.expire_tokens();
    request("+998900000001").await;
    app.run_due_jobs().await;
    assert_eq!((eskiz.logins(), eskiz.asked(), eskiz.messages().len()), (2, 4, 3));
    assert_eq!(sms_jobs(&app).await, ["done 1", "done 1", "done 1"]);
    // What passes is tried again: two bad answers, and one that never comes though the message was taken.
    eskiz.next(EskizWhim::Say(502, "<html>bad gateway</html>"));
    eskiz.next(EskizWhim::Say(429, "{}"));
    eskiz.next(EskizWhim::TakeAndStall);
    let asked = request("+998900000002").await;
    for _ in 0..4 {
        app.run_due_jobs().await;
        app.advance("31 seconds").await;
    }
    assert_eq!(sms_jobs(&app).await.pop().as_deref(), Some("done 4"));
    let messages = eskiz.messages();
    assert_eq!(messages.len(), 5, "one was sent twice: nobody knew");
    assert_eq!(messages[3], messages[4], "and says the same");
    let code = sms::code_in(messages[4]["message"].as_str().expect("a text"));
    verify(&app, asked.text_at("/request_id"), &code).await.expect(200);
    // What is wrong with a message stays wrong.
    eskiz.next(EskizWhim::Say(400, r#"{"status":"error","message":"the number is blocked"}"#));
    request("+998900000003").await;
    app.run_due_jobs().await;
    assert_eq!(sms_jobs(&app).await.pop().as_deref(), Some("dead 1"));
    app.expect_dead("send_sms_code").await;
    app.finish().await;
}
