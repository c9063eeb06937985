//! Signing in by e-mail and password.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::attempts::{self, Subject};
use super::devices;
use super::fields::canonical_email;
use super::model::User;
use super::refused;
use super::session::Client;
use super::set_password::Kept;
use super::sign_in::{Means, SignIn, sign_in};
use crate::error::{Code, Result};
use crate::ids::UserId;
use crate::schema::{known_devices, users};
use crate::{App, Tx};

/// Somebody whose password was right a moment ago.
pub struct Recognised {
    user: UserId,
    kept: Kept,
    /// The same password, hashed with today's parameters, when it was kept with others.
    rehashed: Option<String>,
    subject: Subject,
}

/// Finds out whose e-mail and password these are. An unknown address, a closed account and a wrong password cost the
/// same work and get the same answer.
///
/// It takes no transaction: hashing is slow, so it holds no connection meanwhile. [`log_in`] looks again.
///
/// # Errors
/// `INVALID_CREDENTIALS`; `TOO_MANY_ATTEMPTS` when the password was not looked at.
pub async fn recognise(
    app: &App,
    email: &str,
    password: &str,
    client: &Client,
) -> Result<Recognised> {
    let email = canonical_email(email);
    let device = devices::print(client);
    let (user, kept, is_known_device) = find(app, &email, &device).await?;
    let subject =
        if is_known_device { Subject::device(&email, &device) } else { Subject::address(&email) };
    app.db.transaction(async |tx| attempts::begin(tx, &subject).await).await?;
    let matches = app.passwords.verify(password, kept.hash.as_deref()).await?;
    if let (Some(user), Some(hash), true) = (user, &kept.hash, matches) {
        let outdated = app.passwords.is_outdated(hash);
        let rehashed = if outdated { Some(app.passwords.hash(password).await?) } else { None };
        return Ok(Recognised { user, kept, rehashed, subject });
    }
    match user {
        Some(user) => {
            tracing::warn!(target: "accounts", user = %user, "sign-in refused: wrong password");
        }
        None => tracing::warn!(target: "accounts", "sign-in refused: unknown e-mail"),
    }
    let whom = (user, email.as_str());
    app.db.transaction(async |tx| refused::note(tx, app, Means::Password, whom).await).await?;
    Err(Code::InvalidCredentials.into())
}

/// Who has an address, and whether they have signed in from this device: one statement, whether somebody has it or not.
async fn find(app: &App, email: &str, device: &[u8]) -> Result<(Option<UserId>, Kept, bool)> {
    type Row = (UserId, Option<String>, Option<DateTime<Utc>>, Option<UserId>);
    let conn = &mut app.db.read().await?;
    let theirs = known_devices::user_id.eq(users::id).and(known_devices::device.eq(device));
    let row: Option<Row> = users::table
        .left_join(known_devices::table.on(theirs))
        .filter(users::email.eq(email))
        .filter(users::deleted_at.is_null())
        .select((
            users::id,
            users::password_hash,
            users::password_changed_at,
            known_devices::user_id.nullable(),
        ))
        .first(conn)
        .await
        .optional()?;
    Ok(match row {
        Some((user, hash, changed_at, known)) => {
            (Some(user), Kept { hash, changed_at }, known.is_some())
        }
        None => (None, Kept::default(), false),
    })
}

/// Opens a session for a person who was recognised.
///
/// # Errors
/// `ACCOUNT_DISABLED` when they are banned; `INVALID_CREDENTIALS` when the password was changed or the account was
/// closed since they were recognised.
pub async fn log_in(
    tx: &mut Tx,
    app: &App,
    recognised: &Recognised,
    client: &Client,
) -> Result<SignIn> {
    let user = User::lock(tx, recognised.user).await?.ok_or(Code::InvalidCredentials)?;
    if !Kept::find(tx, user.id).await?.is_still(&recognised.kept) {
        return Err(Code::InvalidCredentials.into());
    }
    attempts::forgive(tx, &recognised.subject).await?;
    if let Some(rehashed) = &recognised.rehashed {
        diesel::update(users::table.find(user.id))
            .set(users::password_hash.eq(rehashed))
            .execute(tx.conn())
            .await?;
        tracing::info!(target: "accounts", user = %user.id, "password hashed anew");
    }
    sign_in(tx, app, user, Means::Password, client).await
}
