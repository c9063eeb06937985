//! Linking Google's account to one's own, and ending that.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::identity::Identity;
use super::sign_in::{link, welcome};
use crate::accounts::model::{Principal, User};
use crate::accounts::profile::{Profile, profile};
use crate::accounts::social::{self, Provider, SocialAccount};
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};
use crate::ids::{SessionId, UserId};
use crate::language::Text;
use crate::schema::{sessions, users};
use crate::{App, Outcome, Tx};

/// A session of somebody without a password is as good as one for this long.
const FRESH: TimeDelta = TimeDelta::minutes(10);

const WRONG: Text =
    Text::new("Joriy parol noto'g'ri.", "Неверный текущий пароль.", "Wrong current password.");

/// That it is really the person who asks for another way into their account, and not somebody at their desk.
pub enum Consent {
    /// Their password, whose hash this is.
    Password(String),
    /// They have none: the session must have begun a moment ago.
    Session(SessionId),
}

impl Consent {
    /// Checks the password of a signed-in person. It takes no transaction, because hashing is slow; [`link_google`]
    /// looks again.
    ///
    /// # Errors
    /// `REAUTH_REQUIRED` when it is missing or wrong.
    pub async fn ask(app: &App, who: &Principal, password: Option<&str>) -> Result<Self> {
        let Some(hash) = &who.user.password_hash else {
            return Ok(Self::Session(who.session));
        };
        let refused =
            |text| Error::new(Code::ReauthRequired).and_field("current_password", text, "");
        let password = password.ok_or_else(|| refused(texts::REQUIRED))?;
        if app.passwords.verify(password, Some(hash)).await? {
            return Ok(Self::Password(hash.clone()));
        }
        tracing::warn!(target: "accounts", user = %who.user.id, "link refused: wrong password");
        Err(refused(WRONG))
    }

    async fn judge(&self, tx: &mut Tx, user: &User) -> Result<()> {
        let given = match self {
            Self::Password(hash) => user.password_hash.as_ref() == Some(hash),
            Self::Session(session) => {
                let fresh = sessions::id
                    .eq(session)
                    .and(sessions::revoked_at.is_null())
                    .and(sessions::created_at.gt(tx.now() - FRESH));
                let found = sessions::table.filter(fresh).count().get_result::<i64>(tx.conn());
                user.password_hash.is_none() && found.await? == 1
            }
        };
        if given { Ok(()) } else { Err(Code::ReauthRequired.into()) }
    }
}

/// Links Google's account to the caller's. Linking the same one again changes nothing. It proves the caller's address
/// when Google has proved the same.
///
/// # Errors
/// `VALIDATION_ERROR` when the statement's time is over; `REAUTH_REQUIRED`; `ALREADY_EXISTS` when Google's account is
/// linked to somebody else, or the caller's to another one of Google's; `TOKEN_INVALID` when the account is closed by now.
pub async fn link_google(
    tx: &mut Tx,
    caller: UserId,
    identity: &Identity,
    consent: &Consent,
) -> Result<Profile> {
    if identity.judge(tx.real_now()).is_err() {
        return Err(Error::field("id_token", texts::INVALID));
    }
    identity.take_turn(tx).await?;
    let user = User::lock(tx, caller).await?.filter(User::may_sign_in);
    let mut user = user.ok_or(Code::TokenInvalid)?;
    consent.judge(tx, &user).await?;
    let known = SocialAccount::find(tx, Provider::Google, &identity.subject).await?;
    if known.is_none_or(|known| known.user_id != user.id) {
        link(tx, &user, identity).await?;
    }
    if !user.is_verified && identity.proved_email() == Some(user.email.as_str()) {
        user.is_verified = true;
        user.updated_at = tx.now();
        let at = user.updated_at;
        let proved = (
            users::is_verified.eq(true),
            users::email_verified_at.eq(at),
            users::updated_at.eq(at),
        );
        diesel::update(users::table.find(user.id)).set(proved).execute(tx.conn()).await?;
        welcome(tx, user.id).await?;
    }
    profile(tx, user).await
}

/// Ends the link of the caller with Google. Without one nothing happens.
///
/// # Errors
/// `INVALID_STATE` when it is the only way into their account; `TOKEN_INVALID` when that is closed by now.
pub async fn unlink_google(tx: &mut Tx, caller: UserId) -> Result<Outcome> {
    let user = User::lock(tx, caller).await?.filter(User::may_sign_in);
    let user = user.ok_or(Code::TokenInvalid)?;
    let Some(subject) = social::remove(tx, Provider::Google, user.id).await? else {
        return Ok(Outcome::AlreadyDone);
    };
    if !user.may_unlink() {
        return Err(Error::invalid_state("only_sign_in_method"));
    }
    let details = json!({ "provider": Provider::Google.as_str(), "subject": subject });
    let object = ("user", user.id.to_string());
    audit::record(tx, Actor::User(user.id), "social.unlinked", object, details).await?;
    tracing::info!(target: "accounts", user = %user.id, provider = Provider::Google.as_str(), "unlinked");
    Ok(Outcome::Done)
}

impl User {
    /// Whether they can still sign in without the account elsewhere.
    fn may_unlink(&self) -> bool {
        self.password_hash.is_some()
            || self.phone_verified_at.is_some()
            || self.telegram_id.is_some()
    }
}
