//! A receiver of Sentry's envelopes: a server that reads them as strictly as the protocol is written, and keeps them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, HeaderMap};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The project's key and number.
const KEY: &str = "0123456789abcdef0123456789abcdef";
const PROJECT: &str = "42";

/// The receiver; its server ends when it is dropped.
pub struct SentryServer {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Received {
    /// Heads and bodies of requests as they came.
    raw: String,
    events: Vec<Value>,
    transactions: Vec<Value>,
    problems: Vec<String>,
}

impl SentryServer {
    /// Starts one on loopback.
    pub async fn start() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(any).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Received::default()));
        let shared = Arc::clone(&received);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let received = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&received), request));
                    let http = hyper::server::conn::http1::Builder::new();
                    http.serve_connection(TokioIo::new(stream), service).await.ok();
                });
            }
        });
        Self { address, received, serving }
    }

    /// What `SENTRY_DSN` is set to.
    pub fn dsn(&self) -> String {
        format!("http://{KEY}@{}/{PROJECT}", self.address)
    }

    /// The error events so far.
    pub fn events(&self) -> Vec<Value> {
        self.read(|received| received.events.clone())
    }

    /// The only event that `wanted` finds.
    #[track_caller]
    pub fn event(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut found = self.events();
        found.retain(wanted);
        assert_eq!(found.len(), 1, "one event in {:#?}", self.events());
        found.remove(0)
    }

    /// The performance traces so far.
    pub fn transactions(&self) -> Vec<Value> {
        self.read(|received| received.transactions.clone())
    }

    /// Everything that was ever sent, heads included.
    pub fn raw(&self) -> String {
        self.read(|received| received.raw.clone())
    }

    #[track_caller]
    fn read<T>(&self, of: impl FnOnce(&Received) -> T) -> T {
        let received = self.received.lock().expect("not poisoned");
        assert!(received.problems.is_empty(), "{:#?}", received.problems);
        of(&received)
    }
}

impl Drop for SentryServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(
    received: Arc<Mutex<Received>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes);
    let mut received = received.lock().expect("not poisoned");
    let outcome = body.map_err(|error| error.to_string()).and_then(|body| {
        received.raw.push_str(&format!("{head:?}\n{}\n", String::from_utf8_lossy(&body)));
        is_addressed(&head.method, head.uri.path(), &head.headers)?;
        envelope(&body)
    });
    let (status, said) = match outcome {
        Ok((id, items)) => {
            for (kind, payload) in items {
                match kind.as_str() {
                    "event" => received.events.push(with_defaults(payload)),
                    "transaction" => received.transactions.push(payload),
                    // Its own statistics of what it dropped.
                    _ => {}
                }
            }
            (StatusCode::OK, json!({ "id": id }))
        }
        Err(problem) => {
            received.problems.push(problem.clone());
            (StatusCode::BAD_REQUEST, json!({ "detail": problem }))
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(said.to_string())));
    *response.status_mut() = status;
    Ok(response)
}

fn is_addressed(method: &Method, path: &str, headers: &HeaderMap) -> Result<(), String> {
    if method != Method::POST || path != format!("/api/{PROJECT}/envelope/") {
        return Err(format!("{method} {path} is no address of an envelope"));
    }
    // Its client does not compress; a new one that does must be read anew.
    if let Some(encoding) = headers.get(CONTENT_ENCODING) {
        return Err(format!("{encoding:?} is not read"));
    }
    let auth = headers.get("x-sentry-auth").and_then(|value| value.to_str().ok());
    let auth = auth.and_then(|auth| auth.strip_prefix("Sentry ")).ok_or("no X-Sentry-Auth")?;
    let said: Vec<&str> = auth.split(',').map(str::trim).collect();
    let known = ["sentry_version=7".to_owned(), format!("sentry_key={KEY}")];
    match known.iter().find(|part| !said.contains(&part.as_str())) {
        Some(missing) => Err(format!("{missing} is not in X-Sentry-Auth: {auth}")),
        None => Ok(()),
    }
}

/// An envelope's id and its items: a header on a line, then for each item a header on a line and a payload, of the length
/// that it says or up to the end of the line.
fn envelope(bytes: &[u8]) -> Result<(Value, Vec<(String, Value)>), String> {
    let (header, mut rest) = line(bytes);
    let header = json_of(header)?;
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (head, after) = line(rest);
        if head.is_empty() {
            rest = after;
            continue;
        }
        let head = json_of(head)?;
        let kind =
            head["type"].as_str().ok_or_else(|| format!("an item without a type: {head}"))?;
        let payload = match head["length"].as_u64() {
            Some(length) => {
                let length = usize::try_from(length).map_err(|error| error.to_string())?;
                let payload = after.get(..length).ok_or("an item is cut off")?;
                rest = &after[length..];
                if !rest.is_empty() && rest[0] != b'\n' {
                    return Err("a payload is longer than it says".to_owned());
                }
                payload
            }
            None => {
                let (payload, after) = line(after);
                rest = after;
                payload
            }
        };
        items.push((kind.to_owned(), json_of(payload)?));
    }
    Ok((header["event_id"].clone(), items))
}

fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &[]),
    }
}

fn json_of(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(bytes)))
}

/// What the protocol says of a field that is left out.
fn with_defaults(mut event: Value) -> Value {
    if event["level"].is_null() {
        event["level"] = json!("error");
    }
    event
}
