//! The front door over real sockets, without a database and without Redis: slow, large and silent clients, time limits,
//! and the limiter of a process that is alone.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::{join_all, pending};
use salvo::conn::tcp::TcpAcceptor;
use salvo::{Router, Server, Service, handler};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::app::Draining;
use crate::middleware::SecurityHeaders;
use crate::router::surround;
use crate::server::{Running, serve};
use crate::wire::{app, send};

/// Far more than any limit of these tests, far less than what a client may wait for.
const PATIENCE: Duration = Duration::from_secs(15);

const HEALTH: &str = "GET /health/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

async fn start(settings: &[(&str, &str)]) -> Running {
    serve(app(settings), ([127, 0, 0, 1], 0).into()).await.expect("a free port")
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("listens")
}

/// What comes until the server closes the connection; fails if it does not.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        match timeout(PATIENCE, stream.read(&mut chunk)).await.expect("is closed in time") {
            // A server that does not want the rest of a request resets the connection.
            Ok(0) | Err(_) => return String::from_utf8_lossy(&bytes).into_owned(),
            Ok(length) => bytes.extend(chunk.iter().take(length)),
        }
    }
}

async fn serves(address: SocketAddr) -> bool {
    let mut stream = connect(address).await;
    stream.write_all(HEALTH.as_bytes()).await.expect("takes the request");
    rest(&mut stream).await.starts_with("HTTP/1.1 200 ")
}

#[tokio::test]
async fn a_head_that_does_not_come_closes_the_connection_and_nobody_else_waits() {
    let running = start(&[("HTTP_HEADER_TIMEOUT", "500ms")]).await;
    let started = Instant::now();
    let mut slow = Vec::new();
    for sent in ["", "G", "GET /health/ HTTP/1.1\r\n", "GET /health/ HTTP/1.1\r\nhost: a\r\nx: "] {
        let mut stream = connect(running.address).await;
        stream.write_all(sent.as_bytes()).await.expect("is sent");
        slow.push(stream);
    }
    assert!(serves(running.address).await);
    for answer in join_all(slow.iter_mut().map(rest)).await {
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    assert!(started.elapsed() < PATIENCE);
    // A byte now and then does not help: the head as a whole has its time.
    let mut stream = connect(running.address).await;
    let dribble = async {
        for byte in HEALTH.bytes().cycle().take(2_000).filter(|byte| *byte != b'\r') {
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, dribble).await.expect("is cut off");
}

#[tokio::test]
async fn a_body_that_stands_still_or_dribbles_is_408() {
    let settings = [("HTTP_BODY_TIMEOUT", "400ms"), ("HTTP_REQUEST_TIMEOUT", "1s")];
    let running = start(&settings).await;
    let head = "POST /api/v1/auth/login/ HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{";
    let mut still = connect(running.address).await;
    still.write_all(head.as_bytes()).await.expect("is sent");
    let answer = rest(&mut still).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("REQUEST_TIMEOUT"), "{answer}");
    let mut dribbling = connect(running.address).await;
    dribbling.write_all(head.as_bytes()).await.expect("is sent");
    let (mut reads, mut writes) = dribbling.into_split();
    let writing = async {
        while writes.write_all(b" ").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let reading = async {
        let mut answer = vec![0; 4_096];
        let length = reads.read(&mut answer).await.expect("an answer");
        String::from_utf8_lossy(answer.get(..length).unwrap_or_default()).into_owned()
    };
    let both = async { tokio::join!(writing, reading) };
    let ((), answer) = timeout(PATIENCE, both).await.expect("in time");
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("REQUEST_TIMEOUT"), "{answer}");
    assert!(serves(running.address).await);
}

#[tokio::test]
async fn a_large_head_is_431() {
    let running = start(&[]).await;
    let many = "x: y\r\n".repeat(101);
    let long = format!("x: {}\r\n", "y".repeat(17_000));
    for headers in [many, long] {
        let mut stream = connect(running.address).await;
        let head = format!("GET /health/ HTTP/1.1\r\nhost: a\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.expect("is sent");
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    let mut stream = connect(running.address).await;
    let header = format!("x: {}\r\n", "y".repeat(8_000));
    let head = format!("GET /health/ HTTP/1.1\r\nhost: a\r\n{}\r\n", header.repeat(100));
    // The server may have hung up before all of it is sent.
    let sent = stream.write_all(head.as_bytes()).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(), "{sent:?} {answer}");
    let fits = format!("x: {}\r\n", "y".repeat(15_000));
    let head = format!("GET /health/ HTTP/1.1\r\nconnection: close\r\nhost: a\r\n{fits}\r\n");
    let mut stream = connect(running.address).await;
    stream.write_all(head.as_bytes()).await.expect("is sent");
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200 "));
    assert!(serves(running.address).await);
}

#[tokio::test]
async fn a_thousand_silent_connections_are_closed_and_the_service_stays_up() {
    let running = start(&[("HTTP_HEADER_TIMEOUT", "3s")]).await;
    let mut silent = Vec::new();
    for _ in 0..1_000 {
        silent.push(connect(running.address).await);
    }
    assert!(serves(running.address).await, "while all of them are open");
    for answer in join_all(silent.iter_mut().map(rest)).await {
        assert_eq!(answer, "");
    }
    assert!(serves(running.address).await);
}

#[tokio::test]
async fn over_the_cap_clients_wait_until_a_connection_is_free() {
    let settings = [("HTTP_MAX_CONNECTIONS", "3"), ("HTTP_HEADER_TIMEOUT", "500ms")];
    let running = start(&settings).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(connect(running.address).await);
    }
    assert!(timeout(PATIENCE, serves(running.address)).await.expect("in time"));
}

/// A service on a server of its own.
async fn alone(service: Service) -> (SocketAddr, JoinHandle<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let acceptor = TcpAcceptor::try_from(listener).expect("an address");
    let address = acceptor.local_addr().expect("an address");
    #[expect(clippy::disallowed_methods, reason = "the test's own server")]
    let serving = tokio::spawn(Server::new(acceptor).try_serve(service));
    (address, serving)
}

#[tokio::test]
async fn in_production_browsers_are_told_to_use_https_for_a_year() {
    for production in [true, false] {
        let service = Service::new(Router::new()).hoop(SecurityHeaders { production });
        let (address, serving) = alone(service).await;
        let answer = send(address, "GET / HTTP/1.1", "").await;
        let told =
            answer.contains("strict-transport-security: max-age=31536000; includeSubDomains\r\n");
        assert_eq!(told, production, "{answer}");
        serving.abort();
    }
}

#[handler]
async fn never() {
    pending::<()>().await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up_in_the_envelope() {
    let settings = [("HTTP_REQUEST_TIMEOUT", "100ms"), ("FRONTEND_URL", "https://wibestore.uz")];
    let router = Router::with_path("never").get(never);
    let (address, serving) = alone(surround(router, app(&settings), Draining::default())).await;
    let head = "GET /never HTTP/1.1\r\norigin: https://wibestore.uz\r\naccept-language: ru";
    let answer = timeout(PATIENCE, send(address, head, "")).await.expect("in time");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("TIMED_OUT"), "{answer}");
    assert!(answer.contains("слишком долго"), "{answer}");
    for header in ["access-control-allow-origin: https://wibestore.uz", "x-content-type-options: "]
    {
        assert!(answer.contains(header), "{header}: {answer}");
    }
    serving.abort();
}

/// A Redis that nobody runs.
const NO_REDIS: (&str, &str) = ("REDIS_URL", "redis://127.0.0.1:1/0");

/// The head of a sign-in that is refused for its body, at no cost.
const SIGN_IN: &str = "POST /api/v1/auth/login/ HTTP/1.1\r\ncontent-type: application/json";

#[tokio::test]
async fn a_process_without_redis_counts_alone() {
    let running = start(&[NO_REDIS, ("RATE_LIMIT_AUTH", "3/h"), ("RATE_LIMIT_API", "2/h")]).await;
    for left in [2, 1, 0] {
        let answer = send(running.address, SIGN_IN, "{}").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("ratelimit-policy: \"auth\";q=3;w=3600\r\n"), "{answer}");
        assert!(answer.contains(&format!("ratelimit: \"auth\";r={left};t=3")), "{answer}");
    }
    for forged in ["1.1.1.1", "2.2.2.2", "127.0.0.9, 3.3.3.3"] {
        let head = format!("{SIGN_IN}\r\nx-forwarded-for: {forged}\r\naccept-language: ru");
        let answer = send(running.address, &head, "{}").await;
        assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("RATE_LIMITED"), "{answer}");
        assert!(
            answer.contains("retry-after: 3") && answer.contains("ratelimit: \"auth\";r=0;t=3")
        );
        assert!(answer.contains("Слишком много запросов"), "{answer}");
    }
    // Other groups have counts of their own, health has none, and what is nowhere is counted too.
    for (head, status) in [
        ("GET /api/v1/schema/ HTTP/1.1", "200"),
        ("GET /api/v1/auth/me/ HTTP/1.1", "401"),
        ("GET /nothing HTTP/1.1", "404"),
        ("DELETE /api/v1/games/ HTTP/1.1", "405"),
        ("GET /nothing HTTP/1.1", "429"),
        ("HEAD /api/v1/auth/me/ HTTP/1.1", "401"),
        ("GET /api/v1/auth/me/ HTTP/1.1", "429"),
    ] {
        let answer = send(running.address, head, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
    }
    for _ in 0..10 {
        let answer = send(running.address, "GET /health/ HTTP/1.1", "").await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains("ratelimit"), "{answer}");
    }
}

#[tokio::test]
async fn behind_our_proxy_each_client_has_a_limit() {
    let proxies = [("TRUSTED_PROXIES", "127.0.0.0/8"), ("TRUSTED_PROXY_COUNT", "1")];
    for told in proxies {
        let running = start(&[NO_REDIS, ("RATE_LIMIT_AUTH", "1/h"), told]).await;
        for (header, status) in [
            ("203.0.113.1", "400"),
            ("203.0.113.1", "429"),
            ("6.6.6.6, 203.0.113.1", "429"),
            ("203.0.113.2", "400"),
            ("2001:db8:0:1::1", "400"),
            ("2001:db8:0:1::2", "429"),
            ("2001:db8:0:2::1", "400"),
        ] {
            let head = format!("{SIGN_IN}\r\nx-forwarded-for: {header}");
            let answer = send(running.address, &head, "{}").await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{told:?} {header}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn only_our_pages_may_use_the_cookie() {
    let settings = [
        ("FRONTEND_URL", "https://wibestore.uz"),
        ("CORS_ALLOWED_ORIGINS", "https://admin.uz"),
        ("REFRESH_COOKIE", "True"),
    ];
    let running = start(&settings).await;
    let cookie = "cookie: a=b; __Host-refresh=x";
    let ours = "x-requested-with: XMLHttpRequest\r\norigin: https://wibestore.uz";
    let token = "{\"refresh\":\"x\"}";
    for (path, headers, body, refused) in [
        ("refresh", cookie.to_owned(), "", true),
        ("refresh", cookie.to_owned(), "{}", true),
        ("refresh", cookie.to_owned(), "{\"refresh\":null}", true),
        ("logout", cookie.to_owned(), "", true),
        ("refresh", format!("{cookie}\r\nx-requested-with: x"), "", true),
        ("refresh", format!("{cookie}\r\norigin: https://wibestore.uz"), "", true),
        ("refresh", format!("{cookie}\r\nx-requested-with: x\r\norigin: null"), "", true),
        (
            "refresh",
            format!("{cookie}\r\nx-requested-with: x\r\norigin: https://evil.uz"),
            "",
            true,
        ),
        ("refresh", format!("{cookie}\r\nx-requested-with:\r\norigin: https://admin.uz"), "", true),
        ("refresh", format!("{cookie}\r\n{ours}"), "", false),
        (
            "refresh",
            format!("{cookie}\r\nx-requested-with: x\r\norigin: https://admin.uz"),
            "",
            false,
        ),
        ("logout", format!("{cookie}\r\n{ours}"), "", false),
        // What carries its token itself needs no proof of its page.
        ("refresh", cookie.to_owned(), token, false),
        ("logout", format!("{cookie}\r\nauthorization: Bearer x"), "", false),
        ("refresh", "cookie: a=b".to_owned(), "", false),
        ("login", cookie.to_owned(), "{}", false),
    ] {
        let head = format!(
            "POST /api/v1/auth/{path}/ HTTP/1.1\r\ncontent-type: application/json\r\naccept-language: en\r\n{headers}"
        );
        let answer = send(running.address, &head, body).await;
        let found = answer.starts_with("HTTP/1.1 403 ") && answer.contains("CSRF_REFUSED");
        assert_eq!(found, refused, "{head} {body}: {answer}");
    }
}

#[tokio::test]
async fn browsers_of_every_named_origin_may_read_the_limits() {
    let settings = [
        ("FRONTEND_URL", "https://wibestore.uz/app"),
        ("CORS_ALLOWED_ORIGINS", "https://admin.uz"),
    ];
    let running = start(&settings).await;
    for origin in ["https://wibestore.uz", "https://admin.uz"] {
        let head = format!(
            "OPTIONS /api/v1/auth/refresh/ HTTP/1.1\r\norigin: {origin}\r\naccess-control-request-method: POST"
        );
        let answer = send(running.address, &head, "").await;
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
        let allowed =
            answer.lines().find(|line| line.starts_with("access-control-allow-headers: "));
        assert!(allowed.is_some_and(|line| line.contains("x-requested-with")), "{answer}");
        let head = format!("GET /health/ HTTP/1.1\r\norigin: {origin}");
        let answer = send(running.address, &head, "").await;
        assert!(answer.contains(&format!("access-control-allow-origin: {origin}\r\n")), "{answer}");
        for header in ["ratelimit", "ratelimit-policy", "retry-after"] {
            let exposed =
                answer.lines().find(|line| line.starts_with("access-control-expose-headers"));
            assert!(exposed.is_some_and(|line| line.contains(header)), "{answer}");
        }
    }
    for origin in
        ["https://admin.uz.evil.com", "http://admin.uz", "null", "https://wibestore.uz/app"]
    {
        let head = format!("GET /health/ HTTP/1.1\r\norigin: {origin}");
        let answer = send(running.address, &head, "").await;
        assert!(!answer.contains("access-control-allow"), "{origin}: {answer}");
        assert!(answer.contains("vary: Origin"), "{answer}");
    }
}
