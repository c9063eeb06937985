//! A person's sessions as they see them, and ending one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::session::{self, delta};
use crate::audit::{self, Actor};
use crate::db::app_now;
use crate::error::{Code, Result};
use crate::ids::{SessionId, UserId};
use crate::page::{Page, Window};
use crate::schema::sessions;
use crate::{App, Conn, Tx};

/// A live session.
#[derive(Clone, Debug, Queryable)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// Signed in at.
    pub created_at: DateTime<Utc>,
    /// Its latest refresh token was made at.
    pub last_used_at: DateTime<Utc>,
    /// Over at the latest at.
    pub expires_at: DateTime<Utc>,
    /// From which address.
    pub ip: Option<String>,
    /// With which program, in its own words.
    pub user_agent: Option<String>,
}

/// The live sessions of a person, the one used last first.
///
/// # Errors
/// The database's.
pub async fn list_sessions(
    conn: &mut Conn,
    app: &App,
    user: UserId,
    window: Window,
) -> Result<Page<SessionView>> {
    let now: DateTime<Utc> = diesel::select(app_now()).get_result(conn).await?;
    let idle = now.checked_sub_signed(delta(app.settings.security.refresh_lifetime));
    let live = sessions::user_id
        .eq(user)
        .and(sessions::revoked_at.is_null())
        .and(sessions::expires_at.gt(now))
        .and(sessions::rotated_at.gt(idle.unwrap_or(DateTime::UNIX_EPOCH)));
    let count = sessions::table.filter(live).count().get_result(conn).await?;
    let rows = sessions::table
        .filter(live)
        .order((sessions::rotated_at.desc(), sessions::id.desc()))
        .limit(window.limit)
        .offset(window.offset)
        .select((
            sessions::id,
            sessions::created_at,
            sessions::rotated_at,
            sessions::expires_at,
            sessions::ip,
            sessions::user_agent,
        ))
        .load(conn)
        .await?;
    Ok(Page { rows, count })
}

/// Ends a session of a person.
///
/// # Errors
/// `NOT_FOUND` when it is somebody else's, or has ended.
pub async fn end_session(tx: &mut Tx, user: UserId, id: SessionId) -> Result<()> {
    if session::revoke(tx, user, Some(id), "ended_by_owner").await? == 0 {
        return Err(Code::NotFound.into());
    }
    let object = ("session", id.to_string());
    audit::record(tx, Actor::User(user), "auth.session_ended", object, json!({})).await?;
    tracing::info!(target: "accounts", user = %user, session = %id, "session ended by its owner");
    Ok(())
}
