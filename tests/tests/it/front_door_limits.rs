//! Rate limits: exact counts, in Redis for all instances, without Redis in each, and never in the way of others.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use shared::App;
use shared::ids::UserId;
use shared::limits::{Limiter, Subject};
use shared::settings::{Rate, Settings};
use shared::telemetry::metrics;
use tests::{Client, RedisServer, Reply, TestApp, eventually};

/// A sign-in of nobody. It costs a whole password check.
async fn sign_in(client: &Client) -> Reply {
    client.post("auth/login/", json!({ "email": "nobody@example.uz", "password": "wrong" })).await
}

/// A sign-in from an address that our proxy saw.
async fn sign_in_from(client: &Client, address: &str) -> Reply {
    let request = client.request(Method::POST, "auth/login/").json(&json!({}));
    client.send(request.header("X-Forwarded-For", address)).await
}

/// Another instance of the same platform.
async fn instance(app: &TestApp) -> (api::Running, Client) {
    let settings = Settings::from_vars(app.variables()).expect("valid settings");
    let other = Arc::new(App::new(settings).expect("an app"));
    let running = api::serve(other, SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("listens");
    let client = Client::new(running.address);
    (running, client)
}

async fn stop(running: api::Running) {
    running.stop(Duration::from_secs(5)).await.expect("stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_sign_ins_at_once_ten_are_looked_at_and_the_rest_costs_nothing() {
    let app = TestApp::start_with(&[("RATE_LIMIT_AUTH", "10/h")]).await;
    let before = metrics::RATE_LIMITED.with_label_values(&["auth"]).get();
    let replies = join_all((0..25).map(|_| sign_in(&app.client))).await;
    let (looked_at, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|it| it.status != 429);
    assert_eq!((looked_at.len(), refused.len()), (10, 15));
    for reply in looked_at {
        assert_eq!(reply.code(), "INVALID_CREDENTIALS");
        assert_eq!(reply.headers["ratelimit-policy"], "\"auth\";q=10;w=3600");
        assert!(!reply.headers.contains_key("retry-after"));
    }
    let (statements, reply) = app
        .statements(
            app.client.send(
                app.client
                    .request(Method::POST, "auth/login/")
                    .header("Accept-Language", "ru")
                    .json(&json!({ "email": "nobody@example.uz", "password": "wrong" })),
            ),
        )
        .await;
    let reply = reply.expect_error(429, "RATE_LIMITED");
    assert_eq!(statements, 0, "a refusal asks no database");
    assert_eq!(reply.text_at("/error/message"), "Слишком много запросов. Попробуйте позже.");
    let wait: u64 =
        reply.headers["retry-after"].to_str().expect("text").parse().expect("whole seconds");
    assert!((3_500..=3_600).contains(&wait), "{wait}");
    assert_eq!(reply.at("/error/details/retry_after"), &json!(wait));
    assert_eq!(reply.headers["ratelimit"], format!("\"auth\";r=0;t={wait}"));
    let counted = metrics::RATE_LIMITED.with_label_values(&["auth"]).get() - before;
    assert!(counted >= 16, "{counted}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_share_one_count() {
    let app =
        TestApp::start_with(&[("RATE_LIMIT_AUTH", "7/h"), ("TRUSTED_PROXY_COUNT", "1")]).await;
    let (running, other) = instance(&app).await;
    let clients = [&app.client, &other];
    let tries = (0..30).map(|number| sign_in_from(clients[number % 2], "203.0.113.1"));
    let replies = join_all(tries).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 400).count(), 7);
    assert_eq!(replies.iter().filter(|reply| reply.status == 429).count(), 23);
    // What one instance was refused because of the other does not count against the client here.
    sign_in_from(&other, "203.0.113.2").await.expect(400);
    stop(running).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_wiped_silent_or_gone_gives_nobody_a_fresh_start() {
    let mut redis = RedisServer::start().await;
    let url = redis.url();
    let settings = [
        ("RATE_LIMIT_AUTH", "6/h"),
        ("RATE_LIMIT_REDIS_TIMEOUT", "100ms"),
        ("REDIS_URL", url.as_str()),
        ("TRUSTED_PROXY_COUNT", "1"),
    ];
    let app = TestApp::start_with(&settings).await;
    let attempt = async |address: &str| sign_in_from(&app.client, address).await.status;
    for _ in 0..2 {
        assert_eq!(attempt("203.0.113.1").await, 400);
    }
    redis.wipe();
    for _ in 0..2 {
        assert_eq!(attempt("203.0.113.1").await, 400);
    }
    redis.freeze();
    let (started, fallback) = (Instant::now(), metrics::RATE_LIMITER_FALLBACK.get());
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(attempt("203.0.113.1").await);
    }
    assert_eq!(statuses, [400, 400, 429, 429, 429, 429], "neither open nor closed");
    for number in 0..20 {
        assert_eq!(attempt(&format!("198.51.100.{number}")).await, 400, "others go on");
    }
    assert!(started.elapsed() < Duration::from_secs(10), "a silent Redis stops nobody");
    assert!(metrics::RATE_LIMITER_FALLBACK.get() > fallback);
    redis.thaw();
    redis.stop();
    for _ in 0..6 {
        assert_eq!(attempt("203.0.113.9").await, 400);
    }
    assert_eq!(attempt("203.0.113.9").await, 429);
    assert_eq!(attempt("203.0.113.1").await, 429);
    redis.restart().await;
    let keys = || {
        let client = redis::Client::open(url.as_str()).expect("a URL");
        let mut conn = client.get_connection().expect("answers");
        redis::cmd("KEYS").arg("*:limit:auth:*").query::<Vec<String>>(&mut conn).expect("keys")
    };
    let mut number = 0;
    eventually("Redis counts again", async || {
        number += 1;
        attempt(&format!("198.51.101.{number}")).await;
        !keys().is_empty()
    })
    .await;
    assert!(
        keys().iter().all(|key| key.contains(":limit:auth:address:198.51.101.")),
        "{:?}",
        keys()
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_counted_wherever_they_are_and_nobody_else_with_them() {
    let app = TestApp::start_with(&[("RATE_LIMIT_API", "3/h")]).await;
    let (busy, quiet) = (app.person("busy").await, app.person("quiet").await);
    for left in ["r=2;", "r=1;", "r=0;"] {
        let reply = busy.client.get("payments/balance/").await.expect(200);
        assert!(reply.headers["ratelimit"].to_str().expect("text").contains(left));
    }
    busy.client.get("payments/balance/").await.expect_error(429, "RATE_LIMITED");
    busy.client.get("payments/transactions/").await.expect_error(429, "RATE_LIMITED");
    // Another instance knows; other groups and other people behind the same address do not mind.
    let (running, other) = instance(&app).await;
    other
        .as_somebody(&busy.client)
        .get("payments/balance/")
        .await
        .expect_error(429, "RATE_LIMITED");
    busy.client.get("profile/sales/").await.expect(200);
    busy.client.get("games/").await.expect(200);
    quiet.client.get("payments/balance/").await.expect(200);
    app.client.get("payments/methods/").await.expect(200);
    // A token that we did not sign names nobody: its requests are those of its address.
    for (number, status) in [401, 401, 429].into_iter().enumerate() {
        let forged = format!("eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.{number}");
        let reply = app.client.with_token(&forged).get("payments/balance/").await;
        assert_eq!(reply.status, status, "{}", reply.text);
    }
    stop(running).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_refresh_at_their_own_pace_behind_one_address() {
    let app = TestApp::start_with(&[("RATE_LIMIT_AUTH", "3/h")]).await;
    let mut tokens = Vec::new();
    for name in ["one", "two"] {
        let body = json!({ "email": format!("{name}@example.uz"), "password": "Correct-horse-7" });
        let reply = app.client.post("auth/register/", body).await.expect(201);
        tokens.push(reply.text_at("/tokens/refresh").to_owned());
    }
    let refresh =
        async |token: &str| app.client.post("auth/refresh/", json!({ "refresh": token })).await;
    for token in &tokens {
        let mut latest = token.clone();
        for _ in 0..3 {
            latest = refresh(&latest).await.expect(200).text_at("/refresh").to_owned();
        }
        refresh(&latest).await.expect_error(429, "RATE_LIMITED");
    }
    for status in [401, 401, 401, 429] {
        assert_eq!(refresh("guessed").await.status, status, "guesses count by address");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_balancers_and_providers_are_let_in() {
    let app = TestApp::start_with(&[("RATE_LIMIT_API", "1/h"), ("RATE_LIMIT_AUTH", "1/h")]).await;
    for _ in 0..20 {
        let reply = app.client.get("/health/ready/").await.expect(200);
        assert!(!reply.headers.contains_key("ratelimit"));
        let call = app.client.request(Method::POST, "payments/webhooks/payme/").body("{}");
        assert_eq!(app.client.send(call).await.status, 200);
    }
    let schema = app.client.get("schema/").await.expect(200);
    assert_eq!(schema.json["paths"]["/api/v1/auth/login/"]["post"]["x-rate-limit"], "auth");
    assert!(schema.json["paths"]["/api/v1/auth/login/"]["post"]["responses"]["429"].is_object());
    assert_eq!(schema.json["paths"]["/api/v1/games/"]["get"]["x-rate-limit"], "catalogue");
    app.client.get("schema/").await.expect_error(429, "RATE_LIMITED");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_over_sockets_have_a_limit_of_their_own() {
    let app = TestApp::start_with(&[("RATE_LIMIT_WS", "50/h")]).await;
    let (talker, other) = (UserId::new(), UserId::new());
    let limits = &app.app.limits;
    for left in (0..50).rev() {
        let verdict = limits.take_message(talker).await.expect("is limited");
        assert!(verdict.allowed && verdict.remaining == left, "{verdict:?}");
    }
    assert!(!limits.take_message(talker).await.expect("is limited").allowed);
    assert!(limits.take_message(other).await.expect("is limited").allowed);
    app.finish().await;
    let app = TestApp::start().await;
    assert!(app.app.limits.take_message(talker).await.is_none(), "off");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_as_long_as_told_is_let_through() {
    let app = TestApp::start().await;
    // Of two processes, so that neither knows from itself what the other has let through.
    let limiter =
        || Limiter::new(&app.app.settings.redis, &app.app.settings.limits).expect("a limiter");
    let (first, second) = (limiter(), limiter());
    let (rate, caller) =
        (Rate { quota: 2, window: Duration::from_secs(1) }, Subject::Person(UserId::new()));
    // A machine that stands still for a second between two calls proves nothing: then it is tried again.
    loop {
        let started = Instant::now();
        let verdicts = [
            first.take("test", caller, rate).await,
            first.take("test", caller, rate).await,
            second.take("test", caller, rate).await,
        ];
        if started.elapsed() < rate.window && verdicts[0].remaining == 1 {
            assert_eq!(verdicts.map(|verdict| verdict.allowed), [true, true, false]);
            assert!(verdicts[2].reset <= rate.window && verdicts[2].reset_seconds() == 1);
            break;
        }
    }
    let waited = Instant::now();
    eventually("one more is let through", async || second.take("test", caller, rate).await.allowed)
        .await;
    assert!(waited.elapsed() < Duration::from_secs(60));
    app.finish().await;
}
