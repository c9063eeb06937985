//! An HTTP client that speaks as a person.

use std::net::SocketAddr;

use serde_json::Value;

/// Speaks to the API, with or without a token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// An answer.
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
    /// The body as JSON; null when it is not.
    pub json: Value,
}

impl Reply {
    /// A field by JSON pointer; fails when it is not there.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> &Value {
        self.json.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is in {}", self.text))
    }

    /// A text field by JSON pointer.
    #[track_caller]
    pub fn text_at(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_else(|| panic!("{pointer} is a text in {}", self.text))
    }

    /// Whether it is the answer that an earlier request with the same `Idempotency-Key` got.
    pub fn is_replayed(&self) -> bool {
        self.headers.get("idempotency-replayed").is_some_and(|mark| mark == "true")
    }

    /// The error code of the envelope, or nothing.
    pub fn code(&self) -> &str {
        self.json.pointer("/error/code").and_then(Value::as_str).unwrap_or_default()
    }

    /// Fails unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Fails unless the status and the error code are these.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        self
    }
}

impl Client {
    /// A visitor of the API at an address.
    pub fn new(address: SocketAddr) -> Self {
        Self::at(&format!("http://{address}"))
    }

    /// A visitor of the API at a URL.
    pub fn at(url: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            base: url.trim_end_matches('/').to_owned(),
            token: None,
        }
    }

    /// The same visitor with a token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same visitor as somebody who speaks to another address.
    pub fn as_somebody(&self, somebody: &Self) -> Self {
        Self { token: somebody.token.clone(), ..self.clone() }
    }

    /// GET under `/api/v1/`, or from the root for a path that starts with `/`.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(reqwest::Method::GET, path)).await
    }

    /// POST JSON.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(reqwest::Method::POST, path).json(&body)).await
    }

    /// POST JSON under an `Idempotency-Key`.
    pub async fn post_keyed(&self, path: &str, key: &str, body: Value) -> Reply {
        // Bytes, because a hostile key is no header of text.
        let key = reqwest::header::HeaderValue::from_bytes(key.as_bytes()).expect("no line break");
        let request = self.request(reqwest::Method::POST, path).header("Idempotency-Key", key);
        self.send(request.json(&body)).await
    }

    /// POST nothing.
    pub async fn post_empty(&self, path: &str) -> Reply {
        self.send(self.request(reqwest::Method::POST, path)).await
    }

    /// PATCH JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(reqwest::Method::PATCH, path).json(&body)).await
    }

    /// Any request, as built.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = match path.strip_prefix('/') {
            Some(rooted) => format!("{}/{rooted}", self.base),
            None => format!("{}/api/v1/{path}", self.base),
        };
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a built request.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        self.try_send(request).await.expect("the API answers")
    }

    /// Sends a built request to an API that may be away.
    ///
    /// # Errors
    /// No answer, or half of one.
    pub async fn try_send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Reply> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Reply { status, headers, text, json })
    }
}
