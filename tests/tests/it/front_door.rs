//! The front door: what it refuses before anybody is asked, and whom it takes for the client.

use reqwest::Method;
use serde_json::{Value, json};
use shared::settings::Settings;
use tests::{Client, TestApp};

/// A request that breaks the protocol, and its answer.
struct Abuse {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
    status: u16,
    code: &'static str,
}

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];
const DEPOSIT: &str = "/api/v1/payments/deposit/";

fn abuse(
    name: &'static str,
    (method, path): (&'static str, &'static str),
    headers: &'static [(&'static str, &'static str)],
    body: impl Into<Vec<u8>>,
    (status, code): (u16, &'static str),
) -> Abuse {
    Abuse { name, method, path, headers, body: body.into(), status, code }
}

/// Rows 70 to 72 of the design's table of attacks; row 73 needs sockets and is tested beside the server.
fn abuses() -> Vec<Abuse> {
    let games = "/api/v1/games/";
    let wrong_method = (405, "METHOD_NOT_ALLOWED");
    let nowhere = (404, "NOT_FOUND");
    let large = format!("{{\"amount\":5000,\"payment_method\":\"{}\"}}", "x".repeat(1_153_434));
    let deep = format!("{{\"amount\":{}{}}}", "[".repeat(128), "]".repeat(128));
    let post = ("POST", DEPOSIT);
    let malformed = (400, "MALFORMED_JSON");
    let not_json = (415, "UNSUPPORTED_MEDIA_TYPE");
    vec![
        abuse("TRACE", ("TRACE", games), &[], "", wrong_method),
        abuse("an invented method", ("BREW", games), &[], "", wrong_method),
        abuse("POST where one reads", ("POST", games), JSON, "{}", wrong_method),
        abuse("GET where one writes", ("GET", DEPOSIT), &[], "", wrong_method),
        abuse("an unknown path", ("GET", "/api/v1/no/such/"), &[], "", nowhere),
        abuse("a path of another version", ("GET", "/api/v2/games/"), &[], "", nowhere),
        abuse("a path that climbs", ("GET", "/api/v1/games/%2e%2e/%2e%2e/etc"), &[], "", nowhere),
        abuse("a NUL in the path", ("GET", "/api/v1/games/a%00b/"), &[], "", nowhere),
        abuse("1.1 MiB", post, JSON, large, (413, "PAYLOAD_TOO_LARGE")),
        abuse("a text", post, &[("Content-Type", "text/plain")], "{}", not_json),
        abuse(
            "a form",
            post,
            &[("Content-Type", "application/x-www-form-urlencoded")],
            "amount=5000",
            not_json,
        ),
        abuse(
            "a multipart form",
            post,
            &[("Content-Type", "multipart/form-data; boundary=x")],
            "--x--",
            not_json,
        ),
        abuse("no content type", post, &[], "{}", not_json),
        abuse(
            "another charset",
            post,
            &[("Content-Type", "application/json; charset=windows-1251")],
            "{}",
            not_json,
        ),
        abuse(
            "a compressed body",
            post,
            &[("Content-Type", "application/json"), ("Content-Encoding", "gzip")],
            "{}",
            not_json,
        ),
        abuse("invalid UTF-8", post, JSON, b"{\"a\":\"\xc3\x28\"}".to_vec(), malformed),
        abuse("a depth of 129", post, JSON, deep, malformed),
        abuse("half a body", post, JSON, "{\"amount\":", malformed),
        abuse(
            "a foreign host",
            ("GET", games),
            &[("Host", "evil.uz")],
            "",
            (400, "VALIDATION_ERROR"),
        ),
    ]
}

async fn send(client: &Client, abuse: &Abuse) -> tests::Reply {
    let method = Method::from_bytes(abuse.method.as_bytes()).expect("a method");
    let request = client.request(method, abuse.path).body(abuse.body.clone());
    let request =
        abuse.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    client.send(request.header("Accept-Language", "en")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_breaks_the_protocol_is_refused_in_the_envelope_and_changes_nothing() {
    let app = TestApp::start_with(&[("ALLOWED_HOSTS", "127.0.0.1")]).await;
    let person = app.person("person").await;
    for abuse in abuses() {
        let reply = send(&person.client, &abuse).await;
        assert_eq!(
            (reply.status, reply.code()),
            (abuse.status, abuse.code),
            "{}: {}",
            abuse.name,
            reply.text
        );
        assert_eq!(reply.at("/success"), &Value::Bool(false), "{}", abuse.name);
        assert!(reply.at("/error/message").is_string() && reply.at("/error/details").is_object());
        assert_eq!(reply.headers.contains_key("allow"), reply.status == 405, "{}", abuse.name);
        for (header, value) in [
            ("content-type", "application/json; charset=utf-8"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(
                reply.headers.get(header).map(|it| it.as_bytes()),
                Some(value.as_bytes()),
                "{} {header}",
                abuse.name
            );
        }
        assert!(reply.headers.contains_key("x-request-id"), "{}", abuse.name);
        for secret in ["SELECT", "panicked", ".rs:", "diesel", "salvo"] {
            assert!(!reply.text.contains(secret), "{} tells {secret}: {}", abuse.name, reply.text);
        }
    }
    for path in ["games/", "games"] {
        app.client.get(path).await.expect(200);
    }
    assert_eq!(app.database.number("SELECT count(*) FROM transactions").await, 0);
    person.client.get("auth/me/").await.expect(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_signed_in_person_reads_is_kept_by_no_cache() {
    let app = TestApp::start().await;
    let person = app.person("person").await;
    let own = person.client.get("auth/me/").await.expect(200).headers;
    assert_eq!(own["cache-control"], "no-store");
    assert_eq!(
        own["content-security-policy"],
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    );
    assert!(!own.contains_key("strict-transport-security"), "not on a developer's machine");
    assert!(!own.contains_key("server") && !own.contains_key("x-powered-by"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_remembers_the_client_that_our_proxy_saw_and_no_other() {
    for (trusted, forwarded, remembered) in [
        ("", "203.0.113.9", "127.0.0.1"),
        ("10.0.0.0/8", "203.0.113.9", "127.0.0.1"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "2001:db8::9", "2001:db8::9"),
        ("127.0.0.1", "garbage", "127.0.0.1"),
    ] {
        let app = TestApp::start_with(&[("TRUSTED_PROXIES", trusted)]).await;
        let body = json!({ "email": "a@example.uz", "password": "Correct-horse-7" });
        let request = app.client.request(Method::POST, "auth/register/").json(&body);
        app.client.send(request.header("X-Forwarded-For", forwarded)).await.expect(201);
        let ips = app.database.texts("SELECT ip FROM sessions").await;
        assert_eq!(ips, [remembered], "{trusted:?} {forwarded:?}");
        app.finish().await;
    }
}

#[test]
fn a_setting_that_means_nothing_or_admits_everybody_stops_the_start() {
    for (name, value) in [
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("CORS_ALLOWED_ORIGINS", "null"),
        ("RATE_LIMIT_API", "many"),
        ("TRUSTED_PROXIES", "everybody"),
        ("HTTP_MAX_CONNECTIONS", "0"),
        ("HTTP_REQUEST_TIMEOUT", "soon"),
    ] {
        let vars = [(name.to_owned(), value.to_owned())].into();
        let refused = Settings::from_vars(vars).expect_err("refused").to_string();
        assert!(refused.starts_with(name), "{refused}");
    }
}
