//! Signing in, or up, with the code that the Telegram bot showed.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::guess::{Guess, Guesser, Which, canonical, guess};
use super::model::{OneTimeCode, Purpose};
use super::newcomer::register_newcomer;
use super::number::{Claim, lock_claim, prove, proven_holder};
use crate::accounts::register::or_taken;
use crate::accounts::sign_in::{Means, SignIn, sign_in};
use crate::accounts::social::telegram_print;
use crate::accounts::{Client, User};
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result};
use crate::schema::users;
use crate::text_enum::text_enum;
use crate::{App, Tx};

text_enum! {
    /// What somebody with a code wants.
    TelegramMode {
        /// Only to sign in.
        Login = "login",
        /// To sign in, and to register if they are new.
        Register = "register",
    }
}

/// Whose account it is.
enum Found {
    /// And whoever else has the number of the code.
    Theirs(Box<(User, Option<User>)>),
    Nobody,
    Refused(Code),
}

/// Signs in the person of the Telegram account that the newest code of a phone was given to: by that account, or by the
/// number if they proved it to us before; who is new is registered. The code is used up unless it only turned out that
/// nobody is registered: they may register with it.
///
/// # Errors
/// `VALIDATION_ERROR` for a number that is none. Why a code is not taken is in the [`Guess`]: `CODE_INVALID`,
/// `NOT_REGISTERED`, `TELEGRAM_ALREADY_LINKED`, `ACCOUNT_DISABLED`.
pub async fn sign_in_by_telegram(
    tx: &mut Tx,
    app: &App,
    (phone, digits): (&str, &str),
    mode: TelegramMode,
    client: &Client,
) -> Result<Guess<SignIn>> {
    let which = Which::Phone(canonical(phone, "phone")?);
    let which = (&which, Purpose::Telegram);
    let Some(code) = guess(tx, app, which, digits, &Guesser::stranger(client)).await? else {
        return Ok(Guess::Refused(Code::CodeInvalid));
    };
    let Some(telegram_id) = code.telegram_id else {
        return Err(Error::internal("a code of the bot without a Telegram account"));
    };
    let found = find(tx, app, &code, telegram_id).await?;
    if matches!(found, Found::Nobody) && mode == TelegramMode::Login {
        return Ok(Guess::Refused(Code::NotRegistered));
    }
    code.use_up(tx).await?;
    let user = match found {
        Found::Theirs(claim) if !claim.0.is_active => {
            return Ok(Guess::Refused(Code::AccountDisabled));
        }
        Found::Theirs(claim) => note_contact(tx, *claim, &code).await?,
        Found::Refused(code) => return Ok(Guess::Refused(code)),
        Found::Nobody => {
            // Nobody proved the number, or they would have been found by it.
            let _nobody = proven_holder(tx, &code.phone_number).await?;
            register_newcomer(tx, &code, Means::Telegram).await?
        }
    };
    sign_in(tx, app, user, Means::Telegram, client).await.map(Guess::Right)
}

/// The person of a Telegram account, or of its number. Whoever only typed the number is not found by it.
async fn find(tx: &mut Tx, app: &App, code: &OneTimeCode, telegram_id: i64) -> Result<Found> {
    if let Some(id) = User::find_by_telegram(tx, telegram_id).await? {
        let Claim { person, holder } = lock_claim(tx, id, &code.phone_number).await?;
        let theirs =
            |user: &User| user.telegram_id == Some(telegram_id) && user.deleted_at.is_none();
        // Or it was closed in this very moment.
        let user = person.filter(theirs).ok_or(Code::Busy)?;
        return Ok(Found::Theirs(Box::new((user, holder))));
    }
    let holder = User::lock_by_phone(tx, &code.phone_number).await?;
    let Some(user) = holder.filter(|user| user.phone_verified_at.is_some()) else {
        return Ok(Found::Nobody);
    };
    Ok(match user.telegram_id {
        Some(_another) => Found::Refused(Code::TelegramLinked),
        None if user.is_active => {
            Found::Theirs(Box::new((link(tx, app, &user, telegram_id).await?, None)))
        }
        None => Found::Theirs(Box::new((user, None))),
    })
}

/// Links a Telegram account to the person who proved its number.
async fn link(tx: &mut Tx, app: &App, user: &User, telegram_id: i64) -> Result<User> {
    let now = tx.now();
    let linked = (users::telegram_id.eq(telegram_id), users::updated_at.eq(now));
    let written = diesel::update(users::table.find(user.id))
        .set(linked)
        .returning(User::as_returning())
        .get_result(tx.conn())
        .await;
    let user = or_taken(written)?;
    let object = ("user", user.id.to_string());
    let details = json!({ "account": telegram_print(app, telegram_id) });
    audit::record(tx, Actor::User(user.id), "user.telegram_linked", object, details).await?;
    tracing::info!(target: "accounts", user = %user.id, "Telegram linked");
    Ok(user)
}

/// Notes what the bot told about a person: how Telegram calls them now, and that the number is theirs, if they have it
/// or have none.
async fn note_contact(
    tx: &mut Tx,
    (mut user, holder): (User, Option<User>),
    code: &OneTimeCode,
) -> Result<User> {
    if code.telegram_username.is_some() && code.telegram_username != user.telegram_username {
        user = diesel::update(users::table.find(user.id))
            .set(users::telegram_username.eq(code.telegram_username.as_ref()))
            .returning(User::as_returning())
            .get_result(tx.conn())
            .await?;
    }
    let other = user.phone_number.as_ref().is_some_and(|number| *number != code.phone_number);
    if other || user.phone_verified_at.is_some() {
        return Ok(user);
    }
    // Whoever else proved it keeps it.
    let proved = prove(tx, &user, holder.as_ref(), &code.phone_number).await?;
    Ok(proved.unwrap_or(user))
}
