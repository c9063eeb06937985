//! Who is asking: an access token, its session and its person, at one instant.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::{Principal, User};
use super::roles::{Role, Roles, holds};
use super::session::Session;
use crate::Conn;
use crate::db::app_now;
use crate::error::{Code, Result};
use crate::schema::{sessions, staff_roles, users};
use crate::security::AccessClaims;

/// The person behind an access token that we signed, with their roles: one statement, so that an ended session, a closed
/// account or a role taken away counts at once, and expiry is business time.
///
/// # Errors
/// `TOKEN_EXPIRED` past the token's or the session's time; `TOKEN_INVALID` when the session ended, when the token is
/// not valid yet, or when the account is closed.
pub async fn authenticate(conn: &mut Conn, claims: &AccessClaims) -> Result<Principal> {
    type Row = (Session, User, DateTime<Utc>, (bool, bool));
    let row: Option<Row> = sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(claims.sid))
        .filter(users::id.eq(claims.sub))
        .select((
            Session::as_select(),
            User::as_select(),
            app_now(),
            (holds!(Role::Moderator), holds!(Role::Finance)),
        ))
        .first(conn)
        .await
        .optional()?;
    let (session, user, now, granted) = row.ok_or(Code::TokenInvalid)?;
    admit(claims, &session, &user, now)?;
    let roles = Roles::new(&user, granted);
    Ok(Principal { user, session: session.id, roles })
}

/// Whether the token still speaks for the person.
fn admit(claims: &AccessClaims, session: &Session, user: &User, now: DateTime<Utc>) -> Result<()> {
    if claims.nbf > now.timestamp() || session.revoked_at.is_some() || !user.may_sign_in() {
        return Err(Code::TokenInvalid.into());
    }
    if claims.exp <= now.timestamp() || session.expires_at <= now {
        return Err(Code::TokenExpired.into());
    }
    Ok(())
}
