//! The API over a real socket, without a database: everything that is answered before one is asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use salvo::conn::tcp::TcpAcceptor;
use salvo::{Router, Server, handler};
use shared::App;
use shared::settings::Settings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::app::Draining;
use crate::router::surround;
use crate::server::{Running, serve};

pub(super) fn app(settings: &[(&str, &str)]) -> Arc<App> {
    // Counting is a test's own wish: it would be in the Redis of whoever runs it.
    let off = [("RATE_LIMIT_AUTH", "off"), ("RATE_LIMIT_API", "off")];
    let vars: HashMap<String, String> = off
        .iter()
        .chain(settings)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let settings = Settings::from_vars(vars).expect("development defaults");
    Arc::new(App::new(settings).expect("connects to nothing yet"))
}

async fn start() -> Running {
    let settings = [
        ("ALLOWED_HOSTS", "api.uz"),
        ("FRONTEND_URL", "https://wibestore.uz"),
        ("MAX_BODY_BYTES", "100"),
    ];
    serve(app(&settings), ([127, 0, 0, 1], 0).into()).await.expect("a free port")
}

/// Sends a request as it is and returns all that comes back, with header names in lower case as they are sent.
pub(super) async fn send(address: std::net::SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("listens");
    let host = if head.contains("host:") { "" } else { "host: api.uz\r\n" };
    let request = format!(
        "{head}\r\n{host}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("takes the request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answers in UTF-8");
    answer
}

#[tokio::test]
async fn refusals_have_the_envelope_and_the_headers() {
    let running = start().await;
    let long = "a".repeat(101);
    let json = "content-type: application/json";
    for (head, body, status, code) in [
        ("GET /nothing HTTP/1.1".to_owned(), "", "404", "NOT_FOUND"),
        ("DELETE /api/v1/games/ HTTP/1.1".to_owned(), "", "405", "METHOD_NOT_ALLOWED"),
        ("TRACE /health/ HTTP/1.1".to_owned(), "", "405", "METHOD_NOT_ALLOWED"),
        ("GET /health/ HTTP/1.1\r\nhost: evil.uz".to_owned(), "", "400", "VALIDATION_ERROR"),
        ("GET /health/detailed/ HTTP/1.1".to_owned(), "", "401", "NOT_AUTHENTICATED"),
        (
            "GET /health/detailed/ HTTP/1.1\r\nauthorization: Basic eDp5".to_owned(),
            "",
            "401",
            "TOKEN_INVALID",
        ),
        ("GET /api/v1/games/?page=0 HTTP/1.1".to_owned(), "", "400", "VALIDATION_ERROR"),
        (
            "POST /api/v1/auth/login/ HTTP/1.1\r\ncontent-type: text/plain".to_owned(),
            "{}",
            "415",
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            format!("POST /api/v1/auth/login/ HTTP/1.1\r\n{json}\r\ncontent-encoding: gzip"),
            "{}",
            "415",
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            format!("POST /api/v1/auth/login/ HTTP/1.1\r\n{json}; charset=latin1"),
            "{}",
            "415",
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (format!("POST /api/v1/auth/login/ HTTP/1.1\r\n{json}"), &long, "413", "PAYLOAD_TOO_LARGE"),
        (format!("POST /api/v1/auth/login/ HTTP/1.1\r\n{json}"), "{", "400", "MALFORMED_JSON"),
        (
            format!("POST /api/v1/auth/login/ HTTP/1.1\r\n{json}; charset=utf-8"),
            "{}",
            "400",
            "VALIDATION_ERROR",
        ),
    ] {
        let answer = send(running.address, &head, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
        assert!(
            answer.contains(&format!("\"success\":false,\"error\":{{\"code\":\"{code}\"")),
            "{head}: {answer}"
        );
        for header in [
            "x-request-id: ",
            "x-content-type-options: nosniff",
            "content-security-policy: default-src 'none'",
        ] {
            assert!(answer.contains(header), "{head} lacks {header}: {answer}");
        }
        assert_eq!(
            answer.contains("www-authenticate: Bearer"),
            status == "401",
            "{head}: {answer}"
        );
        assert_eq!(answer.contains("allow: "), status == "405", "{head}: {answer}");
    }
}

#[tokio::test]
async fn a_request_is_answered_with_and_without_the_slash_and_to_head() {
    let running = start().await;
    for path in ["/health", "/health/"] {
        let answer = send(running.address, &format!("GET {path} HTTP/1.1"), "").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let answer = send(running.address, &format!("HEAD {path} HTTP/1.1"), "").await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn the_id_of_a_request_is_ours_or_that_of_a_proxy_of_ours() {
    for (settings, believed) in [
        ([("TRUSTED_PROXY_COUNT", "")], false),
        ([("TRUSTED_PROXY_COUNT", "0")], false),
        ([("TRUSTED_PROXIES", "10.0.0.0/8")], false),
        ([("TRUSTED_PROXIES", "127.0.0.0/8")], true),
        ([("TRUSTED_PROXY_COUNT", "1")], true),
    ] {
        let running = serve(app(&settings), ([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let head = "GET /health/ HTTP/1.1\r\nx-request-id: abc-1";
        let answer = send(running.address, head, "").await;
        assert_eq!(answer.contains("x-request-id: abc-1\r\n"), believed, "{settings:?} {answer}");
        assert_eq!(answer.matches("x-request-id: ").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn only_the_frontend_may_call_from_a_browser() {
    let running = start().await;
    for (origin, admitted) in [
        ("https://wibestore.uz", true),
        ("https://wibestore.uz.evil.com", false),
        ("http://wibestore.uz", false),
        ("null", false),
    ] {
        for method in ["GET", "OPTIONS"] {
            let head = format!(
                "{method} /health/ HTTP/1.1\r\norigin: {origin}\r\naccess-control-request-method: POST"
            );
            let answer = send(running.address, &head, "").await;
            assert_eq!(
                answer.contains(&format!("access-control-allow-origin: {origin}\r\n")),
                admitted,
                "{answer}"
            );
            assert_eq!(answer.contains("access-control-allow-"), admitted, "{answer}");
            assert!(answer.contains("vary: Origin"), "{answer}");
        }
    }
}

#[tokio::test]
async fn the_documentation_needs_no_foreign_host() {
    let running = start().await;
    let schema = send(running.address, "GET /api/v1/schema/ HTTP/1.1", "").await;
    assert!(
        schema.contains("\"openapi\":\"3.1.0\""),
        "{}",
        schema.lines().next().unwrap_or_default()
    );
    let page = send(running.address, "GET /api/v1/docs/ HTTP/1.1", "").await;
    assert!(page.contains("script-src 'self' 'sha256-"), "{page}");
    assert!(!page.contains("src=\"http") && !page.contains("href=\"http"), "{page}");
}

#[handler]
async fn boom() {
    panic_on_purpose();
}

#[expect(clippy::panic, reason = "this is what is tested")]
fn panic_on_purpose() {
    panic!("secret of the implementation");
}

#[tokio::test]
async fn a_panic_is_a_500_that_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let acceptor = TcpAcceptor::try_from(listener).expect("an address");
    let address = acceptor.local_addr().expect("an address");
    let service = surround(Router::with_path("boom").get(boom), app(&[]), Draining::default());
    #[expect(clippy::disallowed_methods, reason = "the test's own server")]
    let serving = tokio::spawn(Server::new(acceptor).try_serve(service));
    for _ in 0..2 {
        let answer = send(address, "GET /boom HTTP/1.1", "").await;
        assert!(
            answer.starts_with("HTTP/1.1 500 ") && answer.contains("INTERNAL_ERROR"),
            "{answer}"
        );
        assert!(!answer.contains("secret"), "{answer}");
    }
    serving.abort();
}

#[tokio::test]
async fn a_stopping_server_is_not_ready_and_ends() {
    let running = start().await;
    let (address, readiness) = (running.address, running.readiness());
    assert!(readiness());
    running.stop(Duration::from_secs(5)).await.expect("ends");
    assert!(!readiness());
    assert!(TcpStream::connect(address).await.is_err());
}
