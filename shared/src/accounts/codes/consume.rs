//! A step that a person without a password confirms by code.

use super::guess::{Guess, Guesser, Which, find, refuse, try_digits};
use super::model::Purpose;
use super::refusal::Refusal;
use crate::accounts::User;
use crate::error::{Code, Result};
use crate::ids::UserId;
use crate::{App, Tx};

/// What a code proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proved {
    /// That they read the messages of their number.
    Number(String),
    /// That the bot speaks to their account with Telegram.
    Telegram(i64),
}

/// Uses the newest code that this person was sent for a purpose, or the one that the bot shows them: who signs in with
/// Telegram may have nothing else. The transaction must commit a refusal too: it has cost a try. Call it before the person's
/// row is locked.
///
/// # Errors
/// The database's; why the code is not taken is in the [`Guess`].
pub async fn consume(
    tx: &mut Tx,
    app: &App,
    user: UserId,
    purpose: Purpose,
    digits: &str,
) -> Result<Guess<Proved>> {
    let refused = || Ok(Guess::Refused(Code::CodeInvalid));
    let Some(person) = User::find(tx, user).await? else { return refused() };
    let by = Guesser::Person(user);
    let sent = find(tx, &Which::Of(user), purpose).await?;
    if let Some(id) = sent
        && let Some(code) = try_digits(tx, app, (id, purpose), digits, &by).await?
    {
        code.use_up(tx).await?;
        // A code of a number that they gave up since then proves nothing about them.
        let theirs = person.proven_number() == Some(&code.phone_number);
        return if theirs {
            Ok(Guess::Right(Proved::Number(code.phone_number)))
        } else {
            refused()
        };
    }
    let Some(telegram) = person.telegram_id else {
        if sent.is_none() {
            refuse(purpose, None, Refusal::Unknown);
        }
        return refused();
    };
    let shown = find(tx, &Which::Telegram(telegram), Purpose::Telegram).await?;
    if let Some(id) = shown
        && let Some(code) = try_digits(tx, app, (id, Purpose::Telegram), digits, &by).await?
    {
        code.use_up(tx).await?;
        return Ok(Guess::Right(Proved::Telegram(telegram)));
    }
    if sent.is_none() && shown.is_none() {
        refuse(purpose, None, Refusal::Unknown);
    }
    refused()
}
