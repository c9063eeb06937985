//! Eskiz as a test has it: speaks its API on loopback, keeps what it takes, and does what it is told.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const EMAIL: &str = "shop@example.uz";
const PASSWORD: &str = "c0rrect-horse";

/// What the server does with the next message, instead of taking it.
#[derive(Clone, Debug)]
pub enum EskizWhim {
    /// Answers this, and takes nothing.
    Say(u16, &'static str),
    /// Takes it, and says nothing until the client is gone.
    TakeAndStall,
}

/// A running server.
pub struct EskizServer {
    address: String,
    state: Arc<Mutex<State>>,
    listener: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    logins: usize,
    /// The only token that is good.
    token: Option<String>,
    whims: VecDeque<EskizWhim>,
    messages: Vec<Value>,
    asked: usize,
}

impl EskizServer {
    /// Starts a server with one account.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State::default()));
        let listener = tokio::spawn(listen(listener, Arc::clone(&state)));
        Self { address, state, listener }
    }

    /// What makes a platform send through it. It is impatient, so that silence does not last.
    pub fn settings(&self) -> [(&'static str, &str); 5] {
        [
            ("SMS_DIR", ""),
            ("ESKIZ_BASE_URL", &self.address),
            ("ESKIZ_EMAIL", EMAIL),
            ("ESKIZ_PASSWORD", PASSWORD),
            ("ESKIZ_TIMEOUT", "700ms"),
        ]
    }

    /// Meets the next message with a whim.
    pub fn next(&self, whim: EskizWhim) {
        self.state().whims.push_back(whim);
    }

    /// Every token is over from now on.
    pub fn expire_tokens(&self) {
        self.state().token = None;
    }

    /// The messages it has taken, in order.
    pub fn messages(&self) -> Vec<Value> {
        self.state().messages.clone()
    }

    /// How often somebody logged in.
    pub fn logins(&self) -> usize {
        self.state().logins
    }

    /// How often somebody wanted to send, with a good token or without.
    pub fn asked(&self) -> usize {
        self.state().asked
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }
}

impl Drop for EskizServer {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen(listener: TcpListener, state: Arc<Mutex<State>>) {
    loop {
        let (stream, _) = listener.accept().await.expect("accepts");
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&state)));
            let connection = hyper::server::conn::http1::Builder::new();
            // An error is a client that went away.
            connection.serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let token = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (status, answer) = match (parts.method, parts.uri.path()) {
        (Method::POST, "/api/auth/login") => log_in(&state, &body),
        (Method::POST, "/api/message/sms/send") => match take(&state, token, &body) {
            Some(answer) => answer,
            None => std::future::pending().await,
        },
        _ => (404, json!({ "message": "Not found" }).to_string()),
    };
    let response = Response::builder().status(status).header("Content-Type", "application/json");
    Ok(response.body(Full::from(answer)).expect("a response"))
}

fn log_in(state: &Mutex<State>, body: &Value) -> (u16, String) {
    let mut state = state.lock().expect("not poisoned");
    state.logins += 1;
    if body["email"] != EMAIL || body["password"] != PASSWORD {
        return (401, json!({ "message": "Unauthenticated" }).to_string());
    }
    let token = format!("token-{}", state.logins);
    state.token = Some(token.clone());
    let answer =
        json!({ "message": "token_generated", "data": { "token": token }, "token_type": "bearer" });
    (200, answer.to_string())
}

/// The answer to a message; none is silence.
fn take(state: &Mutex<State>, token: Option<&str>, body: &Value) -> Option<(u16, String)> {
    let mut state = state.lock().expect("not poisoned");
    state.asked += 1;
    let good = state.token.as_ref().map(|token| format!("Bearer {token}"));
    if good.is_none() || token != good.as_deref() {
        let expired = json!({ "status": "token-invalid", "message": "Expired" });
        return Some((401, expired.to_string()));
    }
    let number = body["mobile_phone"].as_str().unwrap_or_default();
    if !number.starts_with("998") || number.len() != 12 || body["message"].as_str().is_none() {
        let refused = json!({ "status": "error", "message": "validation" });
        return Some((422, refused.to_string()));
    }
    let whim = state.whims.pop_front();
    if let Some(EskizWhim::Say(status, answer)) = whim {
        return Some((status, answer.to_owned()));
    }
    state.messages.push(body.clone());
    let id = format!("message-{}", state.messages.len());
    let waiting = json!({ "id": id, "message": "Waiting for SMS provider", "status": "waiting" });
    whim.is_none().then(|| (200, waiting.to_string()))
}
