//! The connection to Multicard: a token that is renewed, a limit on every wait, and nothing sent twice by itself.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::super::outside::{self, lost, read};
use super::failure::{Failure, judge};
use crate::error::Result as OurResult;
use crate::settings::{MulticardSettings, Secret};

/// A token is used for this long, though it would live for a day.
const TOKEN_KEEP: Duration = Duration::from_secs(3_600);

/// Multicard, as one process speaks to it.
pub struct Multicard {
    http: reqwest::Client,
    pub(super) settings: MulticardSettings,
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    text: Secret,
    since: Instant,
}

/// One call.
pub(super) struct Ask<'a> {
    /// What it is called in the log.
    pub name: &'static str,
    /// GET, POST or DELETE.
    pub method: Method,
    /// Its path, whose parts have been checked.
    pub path: String,
    /// Its query.
    pub query: &'a [(&'a str, String)],
    /// Its body.
    pub body: Option<Value>,
}

/// How one sending ended.
enum Sent {
    Answered(Result<Value, Failure>),
    /// The token is not taken: the request was not read.
    Unauthorized,
}

impl Multicard {
    /// A client; connects to nothing yet.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub(crate) fn new(settings: &MulticardSettings) -> OurResult<Self> {
        let http = outside::client(settings.connect_timeout, settings.timeout)?;
        Ok(Self { http, settings: settings.clone(), token: Mutex::new(None) })
    }

    /// Makes a call; asks once more under a new token when the old one is not taken.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Value, Failure> {
        let started = Instant::now();
        let answer = self.ask_with_token(&ask).await;
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &answer {
            Ok(_) => {
                tracing::info!(target: "payments", call = ask.name, elapsed_ms, "Multicard answered");
            }
            Err(failure) => {
                tracing::warn!(target: "payments", call = ask.name, elapsed_ms, %failure, "no answer from Multicard");
            }
        }
        answer
    }

    async fn ask_with_token(&self, ask: &Ask<'_>) -> Result<Value, Failure> {
        for _ in 0..2 {
            let token = self.token().await?;
            match self.send(ask, &token).await? {
                Sent::Answered(answer) => return answer,
                Sent::Unauthorized => self.forget(&token).await,
            }
        }
        Err(Failure::NotSent("a new token is not taken either".to_owned()))
    }

    async fn send(&self, ask: &Ask<'_>, token: &Token) -> Result<Sent, Failure> {
        let mut url = self.url(&ask.path)?;
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let request = self.http.request(ask.method.clone(), url).bearer_auth(token.text.expose());
        let request = match &ask.body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().await.map_err(|error| lost(&error))?;
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            return Ok(Sent::Unauthorized);
        }
        let body = read(response).await?;
        Ok(Sent::Answered(judge(status.as_u16(), &body)))
    }

    /// A token, fetched by one caller for all. Whatever fails here, the call itself was not made.
    async fn token(&self) -> Result<Token, Failure> {
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.since.elapsed() < TOKEN_KEEP) {
            return Ok(token.clone());
        }
        let token =
            self.fetch_token().await.map_err(|why| Failure::NotSent(format!("no token: {why}")))?;
        Ok(kept.insert(token).clone())
    }

    async fn fetch_token(&self) -> Result<Token, Failure> {
        let credentials = json!({
            "application_id": self.settings.application_id,
            "secret": self.settings.secret.expose(),
        });
        let since = Instant::now();
        let request = self.http.post(self.url("/auth")?).json(&credentials);
        let response = request.send().await.map_err(|error| lost(&error))?;
        let status = response.status().as_u16();
        let body = read(response).await?;
        // The one answer without an envelope.
        let token = serde_json::from_slice::<Value>(&body).ok().and_then(|answer| {
            let token = answer.get("token").and_then(Value::as_str)?;
            (!token.is_empty()).then(|| Secret::new(token))
        });
        match token {
            Some(text) if status == 200 => Ok(Token { text, since }),
            Some(_) | None => Err(Failure::Unknown(format!("HTTP {status}"))),
        }
    }

    /// Drops a token that is not taken, unless somebody has a new one already.
    async fn forget(&self, token: &Token) {
        let mut kept = self.token.lock().await;
        if kept.as_ref().is_some_and(|newest| newest.text == token.text) {
            *kept = None;
        }
    }

    fn url(&self, path: &str) -> Result<Url, Failure> {
        Url::parse(&format!("{}{path}", self.settings.base_url))
            .map_err(|error| Failure::NotSent(error.to_string()))
    }
}
