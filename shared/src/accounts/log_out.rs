//! Signing out.

use serde_json::json;

use super::model::User;
use super::session::{self, Session};
use crate::audit::{self, Actor};
use crate::error::Result;
use crate::ids::{SessionId, UserId};
use crate::{Outcome, Tx};

/// Ends the session a refresh token belongs to. Any token of the session will do: whoever holds one may end it.
///
/// # Errors
/// The database's.
pub async fn log_out(tx: &mut Tx, id: SessionId) -> Result<Outcome> {
    let Some(session) = Session::lock(tx, id).await? else {
        return Ok(Outcome::AlreadyDone);
    };
    if session::revoke(tx, session.user_id, Some(id), "signed_out").await? == 0 {
        return Ok(Outcome::AlreadyDone);
    }
    audit::record(
        tx,
        Actor::User(session.user_id),
        "auth.signed_out",
        ("session", id.to_string()),
        json!({}),
    )
    .await?;
    tracing::info!(target: "accounts", user = %session.user_id, session = %id, "signed out");
    Ok(Outcome::Done)
}

/// Ends every session of a person.
///
/// # Errors
/// The database's.
pub async fn log_out_everywhere(tx: &mut Tx, user: UserId) -> Result<Outcome> {
    // Whoever ends many sessions of a person holds the person, so that two who do never wait for each other.
    let _person = User::lock(tx, user).await?;
    let ended = session::revoke(tx, user, None, "signed_out_everywhere").await?;
    if ended == 0 {
        return Ok(Outcome::AlreadyDone);
    }
    audit::record(
        tx,
        Actor::User(user),
        "auth.signed_out_everywhere",
        ("user", user.to_string()),
        json!({"sessions": ended}),
    )
    .await?;
    tracing::info!(target: "accounts", user = %user, sessions = ended, "signed out everywhere");
    Ok(Outcome::Done)
}
