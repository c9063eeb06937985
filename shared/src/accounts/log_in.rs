//! Signing in by e-mail and password.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::fields::canonical_email;
use super::model::User;
use super::session::Client;
use super::sign_in::{Means, SignIn, sign_in};
use crate::error::{Code, Result};
use crate::ids::UserId;
use crate::schema::users;
use crate::{App, Tx};

/// Somebody whose password was right a moment ago.
pub struct Recognised {
    user: UserId,
    password_hash: String,
}

/// Finds out whose e-mail and password these are. An unknown address, a closed account and a wrong password cost the
/// same work and get the same answer.
///
/// It takes no transaction: hashing is slow, so it holds no connection meanwhile. [`log_in`] looks again.
///
/// # Errors
/// `INVALID_CREDENTIALS`.
pub async fn recognise(app: &App, email: &str, password: &str) -> Result<Recognised> {
    let known: Option<(UserId, Option<String>)> = {
        let conn = &mut app.db.read().await?;
        users::table
            .filter(users::email.eq(canonical_email(email)))
            .filter(users::deleted_at.is_null())
            .select((users::id, users::password_hash))
            .first(conn)
            .await
            .optional()?
    };
    let (user, hash) = known.map_or((None, None), |(user, hash)| (Some(user), hash));
    let matches = app.passwords.verify(password, hash.as_deref()).await?;
    match (user, hash) {
        (Some(user), Some(password_hash)) if matches => Ok(Recognised { user, password_hash }),
        (Some(user), _) => {
            tracing::warn!(target: "accounts", user = %user, "sign-in refused: wrong password");
            Err(Code::InvalidCredentials.into())
        }
        (None, _) => {
            tracing::warn!(target: "accounts", "sign-in refused: unknown e-mail");
            Err(Code::InvalidCredentials.into())
        }
    }
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
    user.admit(&recognised.password_hash)?;
    sign_in(tx, app, user, Means::Password, client).await
}

impl User {
    /// Whether the password that was matched is still theirs.
    fn admit(&self, matched_hash: &str) -> Result<()> {
        if self.password_hash.as_deref() == Some(matched_hash) {
            Ok(())
        } else {
            Err(Code::InvalidCredentials.into())
        }
    }
}
