//! Signing in by e-mail and password.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::fields::canonical_email;
use super::model::User;
use super::profile::{Profile, profile};
use super::session::{Client, Session, TokenPair};
use crate::audit::{self, Actor};
use crate::error::{Code, Result};
use crate::ids::UserId;
use crate::schema::users;
use crate::{App, Tx};

/// A person who has just signed in.
pub struct SignIn {
    /// Who they are.
    pub profile: Profile,
    /// Their tokens.
    pub tokens: TokenPair,
}

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
    let mut user = User::lock(tx, recognised.user).await?.ok_or(Code::InvalidCredentials)?;
    user.admit(&recognised.password_hash)?;
    user.last_login = Some(tx.now());
    diesel::update(users::table.find(user.id))
        .set(users::last_login.eq(user.last_login))
        .execute(tx.conn())
        .await?;
    let session = Session::open(tx, app, user.id, client).await?;
    audit::record(
        tx,
        Actor::User(user.id),
        "auth.signed_in",
        ("user", user.id.to_string()),
        json!({"session": session.id}),
    )
    .await?;
    tracing::info!(target: "accounts", user = %user.id, session = %session.id, "signed in");
    SignIn::new(tx, app, user, &session).await
}

impl SignIn {
    pub(super) async fn new(tx: &mut Tx, app: &App, user: User, session: &Session) -> Result<Self> {
        let tokens = session.tokens(&app.tokens, tx.now())?;
        Ok(Self { profile: profile(tx, user).await?, tokens })
    }
}

impl User {
    /// Whether a session may be opened with the password whose hash was matched.
    fn admit(&self, matched_hash: &str) -> Result<()> {
        if self.deleted_at.is_some() || self.password_hash.as_deref() != Some(matched_hash) {
            return Err(Code::InvalidCredentials.into());
        }
        if self.is_active { Ok(()) } else { Err(Code::AccountDisabled.into()) }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::testing::a_user;

    #[test]
    fn only_an_open_account_with_the_matched_password_gets_a_session() {
        let refusal = |user: &User| user.admit("hash").err().map(|error| error.code());
        let user = User { password_hash: Some("hash".to_owned()), ..a_user("ali@mail.uz") };
        assert_eq!(refusal(&user), None);
        assert_eq!(
            refusal(&User { is_active: false, ..user.clone() }),
            Some(Code::AccountDisabled)
        );
        assert_eq!(
            refusal(&User { password_hash: Some("other".to_owned()), ..user.clone() }),
            Some(Code::InvalidCredentials)
        );
        assert_eq!(
            refusal(&User { password_hash: None, ..user.clone() }),
            Some(Code::InvalidCredentials)
        );
        let closed = User { deleted_at: Some(DateTime::UNIX_EPOCH), is_active: false, ..user };
        assert_eq!(refusal(&closed), Some(Code::InvalidCredentials));
    }
}
