//! A session for somebody who has proved who they are, by whatever means.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::model::User;
use super::profile::{Profile, profile};
use super::session::{Client, Session, TokenPair};
use crate::audit::{self, Actor};
use crate::error::{Code, Result};
use crate::schema::users;
use crate::text_enum::text_enum;
use crate::{App, Tx};

text_enum! {
    /// How a person proved who they are.
    Means {
        /// The password of their e-mail address.
        Password = "password",
        /// Google's word for it.
        Google = "google",
        /// A code sent to their phone.
        Phone = "phone",
        /// A code our Telegram bot gave them.
        Telegram = "telegram",
    }
}

/// A person who has just signed in.
pub struct SignIn {
    /// Who they are.
    pub profile: Profile,
    /// Their tokens.
    pub tokens: TokenPair,
}

/// Opens a session for a person whose row is locked. The caller has judged the proof, and that the account is theirs.
///
/// # Errors
/// `ACCOUNT_DISABLED` when they are banned; `INVALID_CREDENTIALS` when the account is closed.
pub(super) async fn sign_in(
    tx: &mut Tx,
    app: &App,
    mut user: User,
    means: Means,
    client: &Client,
) -> Result<SignIn> {
    if user.deleted_at.is_some() {
        return Err(Code::InvalidCredentials.into());
    }
    if !user.is_active {
        return Err(Code::AccountDisabled.into());
    }
    user.last_login = Some(tx.now());
    diesel::update(users::table.find(user.id))
        .set(users::last_login.eq(user.last_login))
        .execute(tx.conn())
        .await?;
    let session = Session::open(tx, app, user.id, client).await?;
    let details = json!({"session": session.id, "means": means.as_str()});
    let object = ("user", user.id.to_string());
    audit::record(tx, Actor::User(user.id), "auth.signed_in", object, details).await?;
    tracing::info!(target: "accounts", user = %user.id, session = %session.id, means = means.as_str(), "signed in");
    SignIn::new(tx, app, user, &session).await
}

impl SignIn {
    pub(super) async fn new(tx: &mut Tx, app: &App, user: User, session: &Session) -> Result<Self> {
        let tokens = session.tokens(&app.tokens, tx.now())?;
        Ok(Self { profile: profile(tx, user).await?, tokens })
    }
}
