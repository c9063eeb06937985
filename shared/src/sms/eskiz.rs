//! Eskiz.uz: a token that is renewed, a limit on every wait, and what an answer means.
//!
//! `POST /api/auth/login {email, password}` gives `{data: {token}}`, good for 30 days; `POST /api/message/sms/send
//! {mobile_phone, message, from}` under it answers `{id, status, message}`, where `status` is `waiting` once the message
//! is taken. A token that is over is 401.

use std::time::{Duration, Instant};

use reqwest::{Response, StatusCode, Url, redirect};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{Delivery, Sms};
use crate::error::{Error, Result};
use crate::settings::{EskizSettings, Secret};

/// Answers are small; more than this is not read.
const ANSWER_MAX: usize = 64 << 10;
/// A token is used for this long, though it would live for 30 days.
const TOKEN_KEEP: Duration = Duration::from_secs(25 * 86_400);
/// How much of the provider's own words goes into a reason.
const REASON_MAX: usize = 200;

/// Eskiz, as one process speaks to it.
pub(super) struct Eskiz {
    http: reqwest::Client,
    settings: EskizSettings,
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    text: Secret,
    since: Instant,
}

/// How one sending ended.
enum Sent {
    Answered(Delivery),
    /// The token is not taken: the message was not read.
    Unauthorized,
}

impl Eskiz {
    /// A client; connects to nothing yet.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub(super) fn new(settings: &EskizSettings) -> Result<Self> {
        let http = reqwest::Client::builder()
            .user_agent("wibestore")
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .map_err(Error::internal)?;
        Ok(Self { http, settings: settings.clone(), token: Mutex::new(None) })
    }

    /// Hands a message over; once more under a new token when the old one is not taken.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` for whatever passes or is for us to put right.
    pub(super) async fn send(&self, sms: &Sms) -> Result<Delivery> {
        let started = Instant::now();
        let sent = self.send_with_token(sms).await;
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &sent {
            Ok(Delivery::Accepted) => {
                tracing::info!(target: "sms", reference = sms.reference, elapsed_ms, "Eskiz has taken a message");
            }
            Ok(Delivery::Refused(reason)) => {
                tracing::error!(target: "sms", reference = sms.reference, elapsed_ms, reason, "Eskiz refuses a message");
            }
            Err(error) => {
                tracing::warn!(target: "sms", reference = sms.reference, elapsed_ms, error = error.causes(), "Eskiz has not taken a message");
            }
        }
        sent
    }

    async fn send_with_token(&self, sms: &Sms) -> Result<Delivery> {
        for _ in 0..2 {
            let token = self.token().await?;
            match self.hand_over(sms, &token).await? {
                Sent::Answered(delivery) => return Ok(delivery),
                Sent::Unauthorized => self.forget(&token).await,
            }
        }
        Err(Error::unavailable("Eskiz does not take a new token either"))
    }

    async fn hand_over(&self, sms: &Sms, token: &Token) -> Result<Sent> {
        let body = json!({
            "mobile_phone": sms.to.trim_start_matches('+'),
            "message": sms.text,
            "from": self.settings.from,
        });
        let request = self.http.post(self.url("/api/message/sms/send")?);
        let request = request.bearer_auth(token.text.expose()).json(&body);
        let response = request.send().await.map_err(|error| lost(&error))?;
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            return Ok(Sent::Unauthorized);
        }
        let body = read(response).await?;
        judge(status, &body).map(Sent::Answered)
    }

    /// A token, fetched by one caller for all.
    async fn token(&self) -> Result<Token> {
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.since.elapsed() < TOKEN_KEEP) {
            return Ok(token.clone());
        }
        let token = self.log_in().await?;
        Ok(kept.insert(token).clone())
    }

    async fn log_in(&self) -> Result<Token> {
        let credentials = json!({
            "email": self.settings.email,
            "password": self.settings.password.expose(),
        });
        let since = Instant::now();
        let request = self.http.post(self.url("/api/auth/login")?).json(&credentials);
        let response = request.send().await.map_err(|error| lost(&error))?;
        let status = response.status();
        let body = read(response).await?;
        let answer: Option<Value> = serde_json::from_slice(&body).ok();
        let token = answer.as_ref().and_then(|answer| answer.pointer("/data/token"));
        match token.and_then(Value::as_str).filter(|text| !text.is_empty()) {
            Some(text) if status.is_success() => Ok(Token { text: Secret::new(text), since }),
            Some(_) | None => {
                Err(Error::unavailable(format!("Eskiz gives no token: HTTP {}", status.as_u16())))
            }
        }
    }

    /// Drops a token that is not taken, unless somebody has a new one already.
    async fn forget(&self, token: &Token) {
        let mut kept = self.token.lock().await;
        if kept.as_ref().is_some_and(|newest| newest.text == token.text) {
            *kept = None;
        }
    }

    fn url(&self, path: &str) -> Result<Url> {
        Url::parse(&format!("{}{path}", self.settings.base_url)).map_err(Error::unavailable)
    }
}

/// What an answer means. What is wrong with the message stays wrong; everything else passes, or is for us to put right.
fn judge(status: StatusCode, body: &[u8]) -> Result<Delivery> {
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    let said = |name: &str| {
        let value = answer.as_ref().and_then(|answer| answer.get(name)).and_then(Value::as_str);
        value.unwrap_or_default().chars().take(REASON_MAX).collect::<String>()
    };
    let reason = || format!("HTTP {}: {} {}", status.as_u16(), said("status"), said("message"));
    let taken = answer.as_ref().is_some_and(|answer| answer.get("id").is_some());
    if status.is_success() && taken && said("status") != "error" {
        return Ok(Delivery::Accepted);
    }
    match status {
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(Delivery::Refused(reason()))
        }
        status if status.is_success() && said("status") == "error" => {
            Ok(Delivery::Refused(reason()))
        }
        _ => Err(Error::unavailable(reason())),
    }
}

/// A request without an answer. Whether the message is on its way, nobody knows: it is sent again.
fn lost(error: &reqwest::Error) -> Error {
    Error::unavailable(if error.is_connect() || error.is_builder() {
        "no connection to Eskiz"
    } else if error.is_timeout() {
        "Eskiz did not answer in time"
    } else {
        "the connection to Eskiz broke"
    })
}

/// The body, unless it is too long.
async fn read(mut response: Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error))? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(Error::unavailable("the answer of Eskiz is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_refused_or_tried_again() {
        let judge = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).expect("a status");
            super::judge(status, body.as_bytes()).map_err(|error| error.code())
        };
        let waiting = r#"{"id":"c779","message":"Waiting for SMS provider","status":"waiting"}"#;
        assert_eq!(judge(200, waiting), Ok(Delivery::Accepted));
        assert_eq!(judge(201, waiting), Ok(Delivery::Accepted));
        for (status, body) in [
            (400, r#"{"status":"error","message":"The number is not valid"}"#),
            (422, r#"{"message":{"mobile_phone":["required"]},"status":"error"}"#),
            (404, ""),
            (200, r#"{"id":null,"status":"error","message":"blacklisted"}"#),
        ] {
            assert!(matches!(judge(status, body), Ok(Delivery::Refused(_))), "{status} {body}");
        }
        for (status, body) in [
            (200, "<html>"),
            (200, "{}"),
            (301, ""),
            (402, "{}"),
            (403, r#"{"status":"error"}"#),
            (429, ""),
            (500, "oops"),
            (503, waiting),
        ] {
            assert!(judge(status, body).is_err(), "{status} {body}");
        }
    }
}
