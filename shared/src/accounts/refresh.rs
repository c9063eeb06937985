//! Continuing a session with its refresh token.

use serde_json::json;

use super::jobs::SendSecurityEmail;
use super::model::User;
use super::security_news::SecurityNews;
use super::session::{self, Session, TokenPair, Turn, delta};
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result};
use crate::ids::UserId;
use crate::security::RefreshToken;
use crate::{App, Tx, jobs};

/// What came of a refresh token. A refusal is a value, because it may have ended the session: the transaction must
/// commit that, and only then does the caller see the error.
#[must_use]
pub enum Refreshed {
    /// The session goes on.
    Continued(TokenPair),
    /// It does not.
    Refused(Code),
}

impl Refreshed {
    /// The tokens, or why there are none; to be called after the commit.
    ///
    /// # Errors
    /// `TOKEN_REUSED`, `TOKEN_EXPIRED` or `TOKEN_INVALID`.
    pub fn into_tokens(self) -> Result<TokenPair> {
        match self {
            Self::Continued(tokens) => Ok(tokens),
            Self::Refused(code) => Err(Error::new(code)),
        }
    }
}

/// Continues a session: its current token begins the next generation, the one just before it gets the current one
/// again, and an older one ends the session, because somebody has a copy of it; then the person is told.
///
/// # Errors
/// The database's.
pub async fn refresh(tx: &mut Tx, app: &App, token: RefreshToken) -> Result<Refreshed> {
    let Some(mut session) = Session::lock(tx, token.session).await? else {
        return Ok(Refreshed::Refused(Code::TokenInvalid));
    };
    if !User::find(tx, session.user_id).await?.is_some_and(|user| user.may_sign_in()) {
        return Ok(Refreshed::Refused(Code::TokenInvalid));
    }
    let now = tx.now();
    match session.turn(token.generation, now, delta(app.settings.security.refresh_lifetime)) {
        Turn::Rotate => session.rotate(tx).await?,
        Turn::Repeat => {}
        Turn::Expired => return Ok(Refreshed::Refused(Code::TokenExpired)),
        Turn::Ended => return Ok(Refreshed::Refused(Code::TokenInvalid)),
        Turn::Reused => {
            end_copied(tx, session.user_id, &session).await?;
            return Ok(Refreshed::Refused(Code::TokenReused));
        }
    }
    Ok(Refreshed::Continued(session.tokens(&app.tokens, now)?))
}

async fn end_copied(tx: &mut Tx, user: UserId, session: &Session) -> Result<()> {
    session::revoke(tx, user, Some(session.id), "token_reused").await?;
    audit::record(
        tx,
        Actor::System,
        "auth.token_reused",
        ("session", session.id.to_string()),
        json!({"user": user}),
    )
    .await?;
    tracing::warn!(target: "accounts", user = %user, session = %session.id, "refresh token reused; session ended");
    let news = SecurityNews::TokenReused { session_id: session.id };
    jobs::enqueue(tx, &SendSecurityEmail { user_id: user, news }).await?;
    Ok(())
}
