//! Tokens as the front door sees them: by their signature alone, without the database.

use std::time::{SystemTime, UNIX_EPOCH};

use salvo::Request;
use salvo::http::header::{AUTHORIZATION, CONTENT_LENGTH};
use serde::Deserialize;
use shared::App;
use shared::ids::UserId;

use crate::extract::refresh_cookie;

/// A longer body is not that of a refresh.
const PEEK_MAX: usize = 8 * 1024;

/// The person of an access token that we signed and that has not expired by this host's clock. It names a bucket and
/// opens no door: an ended session still counts as its person until its token expires, and no longer.
pub(super) fn person(req: &Request, app: &App) -> Option<UserId> {
    let (scheme, token) =
        req.headers().get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let claims = app.tokens.read_access(token.trim()).ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    (u64::try_from(claims.exp).ok()? > now).then_some(claims.sub)
}

/// The refresh token of a request: in its body, which its handler can still read, or in its cookie.
pub(super) async fn refresh_token(req: &mut Request) -> Option<String> {
    body_token(req).await.or_else(|| refresh_cookie::find(req.headers()))
}

/// A body of unknown length is left alone.
async fn body_token(req: &mut Request) -> Option<String> {
    #[derive(Deserialize)]
    struct Peek {
        refresh: Option<String>,
    }
    let length = req.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse::<usize>().ok()?;
    if !(1..=PEEK_MAX).contains(&length) {
        return None;
    }
    let body = req.payload_with_max_size(PEEK_MAX).await.ok()?;
    serde_json::from_slice::<Peek>(body).ok()?.refresh
}
