//! Access tokens, which the existing frontend sends: anybody's would do, if we did not ask whom Google meant it for.

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;

use super::client::Google;
use super::identity::{Identity, Person, refused};
use crate::error::Result;

/// Google promises to keep them below this.
const TOKEN_MAX: usize = 2048;

#[derive(Deserialize)]
struct TokenInfo {
    aud: Option<String>,
    azp: Option<String>,
    sub: Option<String>,
    expires_in: Option<Value>,
}

/// Whom an access token speaks of, if it was given to us.
///
/// # Errors
/// `TOKEN_INVALID`; `SERVICE_UNAVAILABLE` when Google does not answer.
pub(super) async fn read(google: &Google, token: &str) -> Result<Identity> {
    let visible = token.bytes().all(|byte| byte.is_ascii_graphic());
    if token.is_empty() || token.len() > TOKEN_MAX || !visible {
        return Err(refused("it is no access token"));
    }
    let info = token_info(google, token).await?;
    info.judge(google)?;
    let person = user_info(google, token).await?;
    if info.sub.is_some_and(|sub| sub != person.sub) {
        return Err(refused("Google speaks of two people"));
    }
    person.into_identity(None)
}

/// Whom the token was given to. It travels in a header, because addresses are written into logs.
async fn token_info(google: &Google, token: &str) -> Result<TokenInfo> {
    let form = (CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = google.http.post(&google.settings.tokeninfo_url).bearer_auth(token);
    let answer = google.ask("tokeninfo", request.header(form.0, form.1).body("")).await?;
    if matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED) {
        return Err(refused("Google does not know it"));
    }
    answer.read("tokeninfo")
}

async fn user_info(google: &Google, token: &str) -> Result<Person> {
    let request = google.http.get(&google.settings.userinfo_url).bearer_auth(token);
    let answer = google.ask("userinfo", request).await?;
    if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Err(refused("it does not say who its owner is"));
    }
    answer.read("userinfo")
}

impl TokenInfo {
    fn judge(&self, google: &Google) -> Result<()> {
        if !self.aud.as_deref().is_some_and(|audience| google.is_us(audience)) {
            return Err(refused("it is meant for somebody else"));
        }
        if self.azp.as_deref().is_some_and(|presenter| !google.is_us(presenter)) {
            return Err(refused("it was given to somebody else"));
        }
        if self.expires_in.as_ref().and_then(seconds).is_none_or(|left| left <= 0) {
            return Err(refused("it has expired"));
        }
        Ok(())
    }
}

/// Google writes numbers as texts here.
fn seconds(said: &Value) -> Option<i64> {
    said.as_i64().or_else(|| said.as_str()?.parse().ok())
}
