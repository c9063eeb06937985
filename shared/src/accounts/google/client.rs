//! The connection to Google: a limit on every wait and every answer, and no detours.

use std::time::Instant;

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode, redirect};
use serde::de::DeserializeOwned;

use super::identity::Identity;
use super::keys::Keys;
use super::{access_token, id_token};
use crate::error::{Code, Error, Result};
use crate::settings::GoogleSettings;

/// Answers are small; more than this is not read.
const ANSWER_MAX: usize = 1 << 20;

/// Google, as one process speaks to it.
pub struct Google {
    pub(super) http: reqwest::Client,
    pub(super) settings: GoogleSettings,
    pub(super) keys: Keys,
}

/// What Google gave to a browser or an app, for us.
pub enum GoogleToken {
    /// A signed statement about a person, meant for us.
    Id {
        /// The JWT.
        token: String,
        /// What the client had Google put into it; the token must have the same.
        nonce: Option<String>,
    },
    /// A key to what Google knows about a person.
    Access(String),
}

/// An answer, whatever its status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Vec<u8>,
}

impl Google {
    /// A client; connects to nothing yet.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub(crate) fn new(settings: &GoogleSettings) -> Result<Self> {
        // An answer from elsewhere is nobody's, and a token goes nowhere else.
        let http = reqwest::Client::builder()
            .user_agent("wibestore")
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .map_err(Error::internal)?;
        Ok(Self { http, keys: Keys::new(settings.refetch_after), settings: settings.clone() })
    }

    /// Whom a token speaks of. It takes no transaction, because it may ask Google.
    ///
    /// # Errors
    /// `TOKEN_INVALID` when it is not Google's, not for us, or not good any more; `SERVICE_UNAVAILABLE` when Google does
    /// not answer; `SIGN_IN_NOT_OFFERED` without `GOOGLE_CLIENT_ID`.
    pub async fn identify(&self, token: &GoogleToken) -> Result<Identity> {
        if self.settings.client_ids.is_empty() {
            return Err(Code::SignInNotOffered.into());
        }
        match token {
            GoogleToken::Id { token, nonce } => id_token::read(self, token, nonce.as_deref()).await,
            GoogleToken::Access(token) => access_token::read(self, token).await,
        }
    }

    /// Whether this is one of the ids that Google knows us by.
    pub(super) fn is_us(&self, client_id: &str) -> bool {
        self.settings.client_ids.iter().any(|ours| ours == client_id)
    }

    /// Asks, once.
    pub(super) async fn ask(&self, what: &'static str, request: RequestBuilder) -> Result<Answer> {
        let started = Instant::now();
        let answer = receive(request).await;
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match answer {
            Ok(answer) => {
                let status = answer.status.as_u16();
                tracing::info!(target: "accounts", call = what, status, elapsed_ms, "Google answered");
                Ok(answer)
            }
            Err(why) => {
                tracing::warn!(target: "accounts", call = what, elapsed_ms, why, "no answer from Google");
                Err(Error::unavailable(format!("Google's {what}: {why}")))
            }
        }
    }
}

impl Answer {
    /// What a 200 says.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` for any other status, and for what cannot be read: it is not Google that we know.
    pub(super) fn read<T: DeserializeOwned>(&self, what: &'static str) -> Result<T> {
        if self.status != StatusCode::OK {
            return Err(Error::unavailable(format!("Google's {what}: HTTP {}", self.status)));
        }
        // The parser's complaint could quote what was said about a person.
        serde_json::from_slice(&self.body)
            .ok()
            .ok_or_else(|| Error::unavailable(format!("Google's {what} cannot be read")))
    }
}

async fn receive(request: RequestBuilder) -> Result<Answer, &'static str> {
    let mut response = request.send().await.map_err(|error| why(&error))?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| why(&error))? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err("the answer is too long");
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status: response.status(), headers: response.headers().clone(), body })
}

/// What went wrong, without the address and what was sent there.
fn why(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    }
}
