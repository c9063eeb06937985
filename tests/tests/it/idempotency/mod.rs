//! One click is one effect, however often it is sent: with an `Idempotency-Key` the answer is replayed, without one the
//! business key decides.

mod clicks;

use clicks::clicks;
use futures::future::join_all;
use serde_json::{Value, json};
use shared::jobs::kinds::PruneIdempotencyKeys;
use tests::{Client, Person, Reply, Story, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nine_clicks_at_once_under_one_key_are_one_effect_and_nine_equal_answers() {
    let app = TestApp::start().await;
    for click in clicks(&app).await {
        let send = || click.client.post_keyed(&click.path, "click-1", click.body.clone());
        let replies = join_all((0..9).map(|_| send())).await;
        let first = &replies[0];
        for reply in &replies {
            assert!(reply.status < 300, "{}: {} {}", click.name, reply.status, reply.text);
            assert_eq!((reply.status, &reply.text), (first.status, &first.text), "{}", click.name);
        }
        let fresh = replies.iter().filter(|reply| !reply.is_replayed()).count();
        assert_eq!(fresh, 1, "{}: one of them did it", click.name);
        assert_eq!(app.database.number(&click.effects).await, 1, "{}", click.name);
        let later = send().await;
        assert!(later.is_replayed() && later.text == first.text, "{}: {}", click.name, later.text);
        let other = click.client.post_keyed(&click.path, "click-1", click.other.clone()).await;
        assert_eq!(other.code(), "IDEMPOTENCY_KEY_MISMATCH", "{}: {}", click.name, other.text);
        other.expect(422);
        assert_eq!(app.database.number(&click.effects).await, 1, "{}: refused", click.name);
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nine_clicks_without_a_key_are_one_effect_and_nine_useful_answers() {
    let app = TestApp::start().await;
    for click in clicks(&app).await {
        let mut replies = Vec::new();
        for _ in 0..5 {
            replies.push(click.client.post(&click.path, click.body.clone()).await);
        }
        let at_once = (0..4).map(|_| click.client.post(&click.path, click.body.clone()));
        replies.extend(join_all(at_once).await);
        for reply in &replies {
            assert!(reply.status < 300, "{}: {} {}", click.name, reply.status, reply.text);
            assert!(!reply.is_replayed());
        }
        // Two tabs may want two deposits: only the key can tell.
        let effects = if click.name == "deposit" { 9 } else { 1 };
        assert_eq!(app.database.number(&click.effects).await, effects, "{}", click.name);
    }
    app.run_due_jobs().await;
    app.finish().await;
}

fn deposit() -> Value {
    json!({ "amount": "5000.00", "payment_method": "payme" })
}

async fn deposits(app: &TestApp, person: &Person) -> i64 {
    let own = format!("SELECT count(*) FROM transactions WHERE user_id = '{}'", person.id);
    app.database.number(&own).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_stands_for_one_request_of_one_person() {
    let app = TestApp::start().await;
    let (one, two) = (app.person("one").await, app.person("two").await);
    let first = one.client.post_keyed("payments/deposit/", "k", deposit()).await.expect(201);
    let other = json!({ "amount": "5000.01", "payment_method": "payme" });
    let refused = one.client.post_keyed("payments/deposit/", "k", other).await;
    refused.expect_error(422, "IDEMPOTENCY_KEY_MISMATCH");
    // The same words in another order, and without the slash.
    let same = json!({ "payment_method": "payme", "amount": "5000.00" });
    let again = one.client.post_keyed("payments/deposit", "k", same).await.expect(201);
    assert!(again.is_replayed());
    assert_eq!(again.text, first.text);
    let theirs = two.client.post_keyed("payments/deposit/", "k", deposit()).await.expect(201);
    assert!(!theirs.is_replayed(), "another person's key never collides");
    assert_ne!(theirs.at("/id"), first.at("/id"));
    assert_eq!((deposits(&app, &one).await, deposits(&app, &two).await), (1, 1));

    // Two deals of one person share the template, not the request.
    let (first, second) = (Story::new(&app).delivered().await, Story::new(&app).delivered().await);
    let staff = app.staff().await;
    let path = |deal: &tests::Deal| format!("admin-panel/trades/{}/refund/", deal.id);
    staff.client.post_keyed(&path(&first), "k", json!({})).await.expect(200);
    let refused = staff.client.post_keyed(&path(&second), "k", json!({})).await;
    refused.expect_error(422, "IDEMPOTENCY_KEY_MISMATCH");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_key_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let person = app.person("hostile").await;
    for key in ["", " ", "a b", "kalit\u{e9}", "\u{2713}", &"x".repeat(256)] {
        let refused = person.client.post_keyed("payments/deposit/", key, deposit()).await;
        refused.expect_error(400, "IDEMPOTENCY_KEY_INVALID");
    }
    let twice = person.client.request(reqwest::Method::POST, "payments/deposit/").json(&deposit());
    let twice = twice.header("Idempotency-Key", "a").header("Idempotency-Key", "b");
    person.client.send(twice).await.expect_error(400, "IDEMPOTENCY_KEY_INVALID");
    assert_eq!(deposits(&app, &person).await, 0);
    let longest = "~".repeat(255);
    person.client.post_keyed("payments/deposit/", &longest, deposit()).await.expect(201);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_not_kept_and_the_same_click_works_later() {
    let app = TestApp::start().await;
    let listing = Story::new(&app).listed(&app.person("seller").await).await;
    let buyer = app.person("buyer").await;
    let body = json!({ "listing_id": listing });
    let send = || buyer.client.post_keyed("payments/purchase/", "buy", body.clone());
    for _ in 0..3 {
        send().await.expect_error(402, "INSUFFICIENT_FUNDS");
    }
    assert_eq!(app.database.number("SELECT count(*) FROM idempotency_keys").await, 0);
    app.fund(&buyer, 100_000).await;
    assert!(!send().await.expect(201).is_replayed());
    assert!(send().await.expect(201).is_replayed());
    assert_eq!(app.available(&buyer).await, "0.00");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_still_at_work_is_waited_for_and_then_said_to_be() {
    let app = TestApp::start().await;
    let person = app.person("patient").await;
    let mut holder = app.database.owner().await;
    let hold = format!(
        "BEGIN; INSERT INTO idempotency_keys (user_id, route, key, fingerprint)
         VALUES ('{}', 'POST /api/v1/payments/deposit', 'k', '')",
        person.id
    );
    diesel_async::SimpleAsyncConnection::batch_execute(&mut holder, &hold).await.expect("holds");
    let reply = person.client.post_keyed("payments/deposit/", "k", deposit()).await;
    assert_eq!(reply.headers.get("retry-after").map(|value| value.as_bytes()), Some(&b"1"[..]));
    reply.expect_error(409, "IDEMPOTENCY_IN_PROGRESS");
    diesel_async::SimpleAsyncConnection::batch_execute(&mut holder, "ROLLBACK")
        .await
        .expect("lets go");
    assert!(
        !person
            .client
            .post_keyed("payments/deposit/", "k", deposit())
            .await
            .expect(201)
            .is_replayed()
    );
    assert_eq!(deposits(&app, &person).await, 1);
    app.finish().await;
}

/// Sends it through a second process' API on the same database.
async fn elsewhere(app: &TestApp, person: &Person, key: &str) -> Reply {
    let settings = shared::settings::Settings::from_vars(app.variables()).expect("settings");
    let other = std::sync::Arc::new(shared::App::new(settings).expect("an app"));
    let api =
        api::serve(other, std::net::SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("listens");
    let token = person.client.request(reqwest::Method::GET, "x").build().expect("a request");
    let token = token.headers()["authorization"].to_str().expect("text").to_owned();
    let client = Client::new(api.address).with_token(token.trim_start_matches("Bearer "));
    let reply = client.post_keyed("payments/deposit/", key, deposit()).await;
    api.stop(std::time::Duration::from_secs(5)).await.expect("stops");
    reply
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_survives_its_process_and_a_lost_answer_makes_nothing_twice() {
    let app = TestApp::start().await;
    let person = app.person("restarted").await;
    let first = person.client.post_keyed("payments/deposit/", "k", deposit()).await.expect(201);
    let again = elsewhere(&app, &person, "k").await.expect(201);
    assert!(again.is_replayed());
    assert_eq!(again.text, first.text);

    // The process died between the commit and the provider's answer: the deposit is there, its answer is not.
    app.database.execute("UPDATE idempotency_keys SET status = NULL, body = NULL").await;
    let resumed = elsewhere(&app, &person, "k").await.expect(201);
    assert!(resumed.is_replayed());
    assert_eq!(resumed.text, first.text, "the same deposit and the same payment page");
    assert_eq!(deposits(&app, &person).await, 1);
    assert_eq!(
        app.database.number("SELECT count(*) FROM idempotency_keys WHERE status = 201").await,
        1
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_remembered_for_thirty_days() {
    let app = TestApp::start().await;
    let person = app.person("forgetful").await;
    person.client.post_keyed("payments/deposit/", "k", deposit()).await.expect(201);
    for (days, kept) in [("29 days", 1), ("1 day 1 minute", 0)] {
        app.advance(days).await;
        app.enqueue(PruneIdempotencyKeys::default()).await;
        app.run_due_jobs().await;
        let keys = app.database.number("SELECT count(*) FROM idempotency_keys").await;
        assert_eq!(keys, kept, "after {days} more");
    }
    app.finish().await;
}
