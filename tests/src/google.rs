//! Google as a test has it: a small OpenID Connect server on loopback, with keys, people, tokens and bad days.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, LOCATION};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::TestApp;

/// What Google knows us by.
pub const CLIENT_ID: &str = "407408718192-web.apps.googleusercontent.com";

/// Two keys of Google's and one of somebody else: made once, because that takes long.
static KEYS: LazyLock<[SigningKey; 3]> =
    LazyLock::new(|| ["first", "second", "foreign"].map(SigningKey::generate));

/// A key pair that signs tokens.
#[derive(Clone)]
pub struct SigningKey {
    /// Its name.
    pub kid: String,
    key: EncodingKey,
}

impl SigningKey {
    fn generate(kid: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key");
        let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).expect("an RSA key");
        Self { kid: kid.to_owned(), key }
    }

    /// Google's first key.
    pub fn first() -> Self {
        KEYS[0].clone()
    }

    /// Google's second key.
    pub fn second() -> Self {
        KEYS[1].clone()
    }

    /// A key that is not Google's.
    pub fn foreign() -> Self {
        KEYS[2].clone()
    }

    /// The same key under another name.
    pub fn named(&self, kid: &str) -> Self {
        Self { kid: kid.to_owned(), ..self.clone() }
    }

    /// The public half, as it is published.
    pub fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, Algorithm::RS256).expect("a public key");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A token as Google makes it.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_under(&json!({ "alg": "RS256", "kid": self.kid, "typ": "JWT" }), claims)
    }

    /// A token with this header, signed by this key as RS256, whatever the header says.
    pub fn sign_under(&self, header: &Value, claims: &Value) -> String {
        sign(Algorithm::RS256, &self.key, header, claims)
    }

    /// A token signed by this key with another algorithm of RSA.
    pub fn sign_as(&self, algorithm: Algorithm, name: &str, claims: &Value) -> String {
        sign(algorithm, &self.key, &json!({ "alg": name, "kid": self.kid, "typ": "JWT" }), claims)
    }
}

/// A token signed with a shared secret.
pub fn sign_with_secret(secret: &[u8], kid: &str, claims: &Value) -> String {
    let header = json!({ "alg": "HS256", "kid": kid, "typ": "JWT" });
    sign(Algorithm::HS256, &EncodingKey::from_secret(secret), &header, claims)
}

fn sign(algorithm: Algorithm, key: &EncodingKey, header: &Value, claims: &Value) -> String {
    let message = unsigned(header, claims);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).expect("signs");
    format!("{message}.{signature}")
}

/// Header and claims, without a signature.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// What Google says in an ID token about somebody whose address it has seen, given to us this minute.
pub fn claims(sub: &str, email: &str) -> Value {
    let now = chrono::Utc::now().timestamp();
    json!({
        "iss": "https://accounts.google.com", "aud": CLIENT_ID, "azp": CLIENT_ID, "sub": sub,
        "email": email, "email_verified": true, "name": "Aziza Karimova", "given_name": "Aziza",
        "picture": "https://lh3.googleusercontent.com/a/ACg8ocK=s96-c", "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
        "iat": now, "exp": now + 3600,
    })
}

/// The same with some claims changed; null takes one away.
pub fn with(mut value: Value, changes: Value) -> Value {
    let object = value.as_object_mut().expect("an object");
    for (name, change) in changes.as_object().expect("an object") {
        match change {
            Value::Null => object.remove(name),
            change => object.insert(name.clone(), change.clone()),
        };
    }
    value
}

/// What the server does instead of answering.
#[derive(Clone)]
pub enum BadDay {
    /// Answers with this status.
    Status(u16),
    /// Sends the caller elsewhere.
    Redirect(String),
    /// Answers 200 with what is no JSON.
    Nonsense,
    /// Answers without an end in sight.
    Huge,
    /// Says nothing.
    Stall,
    /// Closes the connection.
    HangUp,
}

struct State {
    keys: Vec<SigningKey>,
    cache_control: &'static str,
    /// What `tokeninfo` and `userinfo` say, by access token.
    grants: HashMap<String, (Value, Value)>,
    bad_days: HashMap<String, BadDay>,
    asked: HashMap<String, usize>,
}

/// A running server.
pub struct Google {
    /// Its address.
    pub url: String,
    state: Arc<Mutex<State>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Google {
    /// Starts a server with one key, whose keys are fresh for hours.
    pub async fn start() -> Self {
        let listener =
            TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State {
            keys: vec![SigningKey::first()],
            cache_control: "public, max-age=21600, must-revalidate, no-transform",
            grants: HashMap::new(),
            bad_days: HashMap::new(),
            asked: HashMap::new(),
        }));
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&state), request));
                    // A client that hangs up on a bad day is no failure.
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await
                        .ok();
                });
            }
        });
        Self { url, state, serving }
    }

    /// Starts a platform that asks this Google, impatiently.
    pub async fn platform(&self, settings: &[(&str, &str)]) -> TestApp {
        let (keys, info, person) = (self.at("/certs"), self.at("/tokeninfo"), self.at("/userinfo"));
        let ours = [
            ("GOOGLE_CLIENT_ID", CLIENT_ID),
            ("GOOGLE_JWKS_URL", keys.as_str()),
            ("GOOGLE_TOKENINFO_URL", info.as_str()),
            ("GOOGLE_USERINFO_URL", person.as_str()),
            ("GOOGLE_TIMEOUT", "700ms"),
        ];
        TestApp::start_with(&[ours.as_slice(), settings].concat()).await
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked")
    }

    /// Publishes these keys and no others.
    pub fn publish(&self, keys: &[SigningKey]) {
        self.state().keys = keys.to_vec();
    }

    /// Says so of how long the keys are fresh.
    pub fn cache(&self, control: &'static str) {
        self.state().cache_control = control;
    }

    /// Has a bad day at a path, until [`Google::recover`].
    pub fn fail(&self, path: &str, day: BadDay) {
        self.state().bad_days.insert(path.to_owned(), day);
    }

    /// Has no bad day any more.
    pub fn recover(&self) {
        self.state().bad_days.clear();
    }

    /// How often a path was asked.
    pub fn asked(&self, path: &str) -> usize {
        self.state().asked.get(path).copied().unwrap_or_default()
    }

    /// An access token for us that speaks of somebody, with what `tokeninfo` and `userinfo` say of it changed.
    pub fn grant(&self, sub: &str, email: &str, info: Value, person: Value) -> String {
        let token = format!("ya29.{}", uuid::Uuid::new_v4().simple());
        let said = json!({
            "azp": CLIENT_ID, "aud": CLIENT_ID, "sub": sub, "scope": "openid email profile",
            "exp": "1764070000", "expires_in": "3599", "email": email, "email_verified": "true",
            "access_type": "online",
        });
        let about = json!({
            "sub": sub, "email": email, "email_verified": true, "name": "Aziza Karimova",
            "picture": "https://lh3.googleusercontent.com/a/ACg8ocK=s96-c",
        });
        self.state().grants.insert(token.clone(), (with(said, info), with(about, person)));
        token
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> io::Result<Response<Full<Bytes>>> {
    let path = request.uri().path().to_owned();
    let day = {
        let mut state = state.lock().expect("nobody panicked");
        *state.asked.entry(path.clone()).or_default() += 1;
        state.bad_days.get(&path).cloned()
    };
    let reply = |status: u16, body: Vec<u8>| {
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        response
    };
    match day {
        None => Ok(honest(&state.lock().expect("nobody panicked"), &request)),
        Some(BadDay::Status(status)) => Ok(reply(status, b"{\"error\":\"backend\"}".to_vec())),
        Some(BadDay::Redirect(to)) => {
            let mut response = reply(302, Vec::new());
            response.headers_mut().insert(LOCATION, to.parse().expect("an address"));
            Ok(response)
        }
        Some(BadDay::Nonsense) => Ok(reply(200, b"<html>sorry</html>".to_vec())),
        Some(BadDay::Huge) => Ok(reply(200, vec![b' '; 8 << 20])),
        Some(BadDay::Stall) => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Err(io::Error::other("nobody waits"))
        }
        Some(BadDay::HangUp) => Err(io::Error::other("hangs up")),
    }
}

/// What Google answers on good days.
fn honest(state: &State, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|header| header.strip_prefix("Bearer "));
    let grant = token.and_then(|token| state.grants.get(token));
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/certs") => {
            (200, json!({ "keys": state.keys.iter().map(SigningKey::jwk).collect::<Vec<_>>() }))
        }
        (&Method::POST, "/tokeninfo") => match grant {
            Some((info, _)) => (200, info.clone()),
            None => (400, json!({ "error_description": "Invalid Value" })),
        },
        (&Method::GET, "/userinfo") => match grant {
            Some((_, person)) => (200, person.clone()),
            None => (401, json!({ "error": "invalid_request" })),
        },
        _ => (404, json!({ "error": "not_found" })),
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let control = state.cache_control.parse().expect("a header");
    response.headers_mut().insert(CACHE_CONTROL, control);
    response
}
