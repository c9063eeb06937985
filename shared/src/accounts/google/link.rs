//! Linking Google's account to one's own, and ending that.

use super::identity::Identity;
use super::sign_in::{give_up, link, record, welcome};
use crate::accounts::confirm_identity::Confirmed;
use crate::accounts::email_token;
use crate::accounts::jobs::{News, SendAccountNotice};
use crate::accounts::model::User;
use crate::accounts::profile::{Profile, profile};
use crate::accounts::social::{self, Provider, SocialAccount};
use crate::audit::Actor;
use crate::error::{Code, Error, Result, texts};
use crate::ids::UserId;
use crate::{App, Outcome, Tx, jobs};

/// Links Google's account to the caller's. Linking the same one again changes nothing. It proves the caller's address
/// when Google has proved the same. A closed account that it was linked to gives it up.
///
/// # Errors
/// `VALIDATION_ERROR` when the statement's time is over; `REAUTH_REQUIRED`; `ALREADY_EXISTS` when Google's account is
/// linked to somebody else, or the caller's to another one of Google's; `TOKEN_INVALID` when the account is closed by now.
pub async fn link_google(
    tx: &mut Tx,
    app: &App,
    caller: UserId,
    identity: &Identity,
    confirmed: &Confirmed,
) -> Result<Profile> {
    if identity.judge(tx.real_now()).is_err() {
        return Err(Error::field("id_token", texts::INVALID));
    }
    identity.take_turn(tx).await?;
    let known = SocialAccount::find(tx, Provider::Google, &identity.subject).await?;
    let owner = known.map(|known| known.user_id).filter(|owner| *owner != caller);
    let mut people = vec![caller];
    people.extend(owner);
    let (callers, owners): (Vec<_>, Vec<_>) =
        User::lock_all(tx, people).await?.into_iter().partition(|user| user.id == caller);
    let user = callers.into_iter().next().filter(User::may_sign_in);
    let mut user = user.ok_or(Code::TokenInvalid)?;
    confirmed.check(&user)?;
    for closed in owners.into_iter().filter(|owner| owner.deleted_at.is_some()) {
        give_up(tx, app, closed.id, identity).await?;
    }
    // As it is under the lock.
    let known = SocialAccount::find(tx, Provider::Google, &identity.subject).await?;
    if known.is_none_or(|known| known.user_id != user.id) {
        link(tx, app, &user, identity).await?;
        tell(tx, user.id, News::GoogleLinked).await?;
    }
    let proved = identity.proved_email() == Some(user.email.as_str());
    if proved && user.email_verified_at.is_none() {
        email_token::note_proof(tx, &mut user).await?;
        welcome(tx, user.id).await?;
    }
    profile(tx, user).await
}

/// Ends the link of the caller with Google. Without one nothing happens.
///
/// # Errors
/// `INVALID_STATE` when it is the only way into their account; `TOKEN_INVALID` when that is closed by now.
pub async fn unlink_google(tx: &mut Tx, app: &App, caller: UserId) -> Result<Outcome> {
    let user = User::lock(tx, caller).await?.filter(User::may_sign_in);
    let user = user.ok_or(Code::TokenInvalid)?;
    let Some(subject) = social::remove(tx, Provider::Google, user.id).await? else {
        return Ok(Outcome::AlreadyDone);
    };
    if !user.may_unlink() {
        return Err(Error::invalid_state("only_sign_in_method"));
    }
    record(tx, app, (Actor::User(user.id), user.id), "social.unlinked", &subject).await?;
    tracing::info!(target: "accounts", user = %user.id, provider = Provider::Google.as_str(), "unlinked");
    tell(tx, user.id, News::GoogleUnlinked).await?;
    Ok(Outcome::Done)
}

/// Has a person told that Google signs them in from now on, or no longer.
pub(super) async fn tell(tx: &mut Tx, user_id: UserId, news: News) -> Result<()> {
    let notice = SendAccountNotice { user_id, news, at: tx.now(), email_change_id: None };
    jobs::enqueue(tx, &notice).await?;
    Ok(())
}

impl User {
    /// Whether they can still sign in without the account elsewhere.
    fn may_unlink(&self) -> bool {
        self.password_hash.is_some()
            || self.phone_verified_at.is_some()
            || self.telegram_id.is_some()
    }
}
