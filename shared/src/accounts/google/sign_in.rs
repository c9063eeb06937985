//! Signing in by Google's word: a known person, a proved address, or somebody new.

use serde_json::json;

use super::identity::Identity;
use super::link::tell;
use crate::accounts::jobs::{News, SendWelcomeEmail};
use crate::accounts::model::User;
use crate::accounts::register::{self, Registration};
use crate::accounts::session::Client;
use crate::accounts::sign_in::{Means, SignIn, sign_in};
use crate::accounts::social::{self, Provider, SocialAccount};
use crate::accounts::typed_address;
use crate::audit::{self, Actor};
use crate::error::{Code, Result};
use crate::ids::UserId;
use crate::language::Language;
use crate::{App, Tx, jobs};

/// Signs a person in whom Google vouches for. Somebody whom we do not know gets an account without a password, in
/// `language`; an account that has their address already is theirs only if both Google and we have proved it, and gives the
/// address up if it only typed it and has proved something else.
///
/// # Errors
/// `TOKEN_EXPIRED` or `TOKEN_INVALID` outside the statement's time; `ACCOUNT_LINK_REQUIRED` when an account has their
/// address and it is not proved on both sides; `EMAIL_NOT_VERIFIED` when nobody has it and Google has not proved it;
/// `ACCOUNT_DISABLED` when they are banned; `BUSY` when the link ended in this very moment.
pub async fn sign_in_with_google(
    tx: &mut Tx,
    app: &App,
    identity: &Identity,
    language: Language,
    client: &Client,
) -> Result<SignIn> {
    identity.judge(tx.real_now())?;
    identity.take_turn(tx).await?;
    let link = SocialAccount::find(tx, Provider::Google, &identity.subject).await?;
    let user = match link {
        Some(link) => match owner(tx, app, identity, &link).await? {
            Some(user) => user,
            None => newcomer(tx, app, identity, language).await?,
        },
        None => newcomer(tx, app, identity, language).await?,
    };
    sign_in(tx, app, user, Means::Google, client).await
}

/// The person of a link, unless their account is closed.
async fn owner(
    tx: &mut Tx,
    app: &App,
    identity: &Identity,
    link: &SocialAccount,
) -> Result<Option<User>> {
    let user = User::lock(tx, link.user_id).await?;
    let Some(user) = user.filter(|user| user.deleted_at.is_none()) else {
        give_up(tx, app, link.user_id, identity).await?;
        return Ok(None);
    };
    if link.touch(tx, identity.proved_email()).await? {
        Ok(Some(user))
    } else {
        Err(Code::Busy.into())
    }
}

/// Takes the link from a closed account, whose row is locked: it is nobody's any more, as its address is, and the person can
/// begin anew.
pub(super) async fn give_up(
    tx: &mut Tx,
    app: &App,
    closed: UserId,
    identity: &Identity,
) -> Result<()> {
    social::remove(tx, Provider::Google, closed).await?;
    record(tx, app, (Actor::System, closed), "social.unlinked", &identity.subject).await
}

/// Somebody whom Google sends for the first time.
async fn newcomer(tx: &mut Tx, app: &App, identity: &Identity, language: Language) -> Result<User> {
    let known = match &identity.email {
        Some(email) => User::lock_by_email(tx, email).await?,
        None => None,
    };
    match (known, identity.proved_email()) {
        (Some(user), Some(email)) if typed_address::gives_way(tx, &user).await? => {
            typed_address::release(tx, &user).await?;
            register(tx, app, email, identity, language).await
        }
        (Some(user), proved) => {
            // Another Google account of the same address is another person's: addresses change hands.
            let theirs = proved.is_some()
                && user.email_verified_at.is_some()
                && social::google_id(tx, user.id).await?.is_none();
            if !theirs {
                tracing::warn!(target: "accounts", user = %user.id, "sign-in refused: Google account not linked");
                return Err(Code::AccountLinkRequired.into());
            }
            link(tx, app, &user, identity).await?;
            tell(tx, user.id, News::GoogleLinked).await?;
            Ok(user)
        }
        (None, Some(email)) => register(tx, app, email, identity, language).await,
        (None, None) => {
            tracing::warn!(target: "accounts", "sign-in refused: Google has not proved the address");
            Err(Code::EmailNotVerified.into())
        }
    }
}

/// A new person without a password, whose address Google has proved.
async fn register(
    tx: &mut Tx,
    app: &App,
    email: &str,
    identity: &Identity,
    language: Language,
) -> Result<User> {
    let registration = Registration {
        email: email.to_owned(),
        full_name: identity.name.clone(),
        username: None,
        phone_number: None,
        language,
        password_hash: String::new(),
    };
    let mut user = registration.into_user(tx.now());
    user.password_hash = None;
    user.avatar = identity.picture.clone();
    user.note_email_proof(tx.now());
    // Somebody registers the address in this very moment, and has not proved it.
    register::insert(tx, &user).await.map_err(|error| {
        if error.code() == Code::AlreadyExists { Code::AccountLinkRequired.into() } else { error }
    })?;
    let object = ("user", user.id.to_string());
    let means = json!({ "means": Means::Google.as_str() });
    audit::record(tx, Actor::User(user.id), "auth.registered", object, means).await?;
    tracing::info!(target: "accounts", user = %user.id, means = Means::Google.as_str(), "registered");
    link(tx, app, &user, identity).await?;
    welcome(tx, user.id).await?;
    Ok(user)
}

/// Links Google's account to a person whose row is locked.
pub(super) async fn link(tx: &mut Tx, app: &App, user: &User, identity: &Identity) -> Result<()> {
    let link = SocialAccount {
        provider: Provider::Google,
        subject: identity.subject.clone(),
        user_id: user.id,
        email: identity.proved_email().map(str::to_owned),
        created_at: tx.now(),
        last_used_at: tx.now(),
    };
    link.insert(tx).await?;
    record(tx, app, (Actor::User(user.id), user.id), "social.linked", &identity.subject).await?;
    tracing::info!(target: "accounts", user = %user.id, provider = Provider::Google.as_str(), "linked");
    Ok(())
}

/// What follows when a person's address is proved.
pub(super) async fn welcome(tx: &mut Tx, user: UserId) -> Result<()> {
    let object = ("user", user.to_string());
    let by = json!({ "by": Provider::Google.as_str() });
    audit::record(tx, Actor::User(user), "auth.email_verified", object, by).await?;
    jobs::enqueue(tx, &SendWelcomeEmail { user_id: user }).await?;
    tracing::info!(target: "accounts", user = %user, "e-mail verified");
    Ok(())
}

/// Tells the audit log of a link with Google that came or went.
pub(super) async fn record(
    tx: &mut Tx,
    app: &App,
    (actor, user): (Actor, UserId),
    action: &str,
    subject: &str,
) -> Result<()> {
    let provider = Provider::Google;
    let details = json!({ "provider": provider.as_str(), "account": provider.print(app, subject) });
    audit::record(tx, actor, action, ("user", user.to_string()), details).await
}

impl Identity {
    /// Two who come at once with the same new account of Google's: the second waits, and finds what the first has made.
    pub(super) async fn take_turn(&self, tx: &mut Tx) -> Result<()> {
        tx.one_at_a_time(&format!("google:{}", self.subject)).await
    }
}
