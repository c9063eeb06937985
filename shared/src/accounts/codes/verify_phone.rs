//! A signed-in person proves a number.

use super::guess::{Guess, Guesser, Which, guess};
use super::model::{OneTimeCode, Purpose};
use super::number::{Claim, lock_claim, prove};
use crate::accounts::confirm_identity::{Confirmed, required};
use crate::accounts::profile::{Profile, profile};
use crate::accounts::session::Session;
use crate::accounts::{Principal, User};
use crate::error::{Code, Result};
use crate::ids::CodeId;
use crate::{App, Tx};

/// Whether the code of a request would give a person another number than the one they typed: a number signs in, so they must
/// show first who they are. A request that is not theirs, or over, is refused anyway.
///
/// # Errors
/// The database's.
pub async fn proves_another_number(tx: &mut Tx, user: &User, request: CodeId) -> Result<bool> {
    let now = tx.now();
    let code = OneTimeCode::find(tx, request).await?;
    let theirs = code.filter(|code| code.user_id == Some(user.id) && code.is_live(now));
    Ok(theirs.is_some_and(|code| user.phone_number.as_ref() != Some(&code.phone_number)))
}

/// Proves the number that a code was sent to, and makes it the person's own. Whoever only typed it loses it. Another number
/// than the one that they typed, the first included, needs a confirmation; then the code is not used up without one.
///
/// # Errors
/// `REAUTH_REQUIRED`; `TOKEN_INVALID` when the session has ended by now. Why a code is not taken is in the
/// [`Guess`]: `CODE_INVALID`, or `ALREADY_EXISTS` when somebody else proved the number before.
pub async fn verify_phone(
    tx: &mut Tx,
    app: &App,
    person: &Principal,
    (request, digits): (CodeId, &str),
    confirmed: Option<&Confirmed>,
) -> Result<Guess<Profile>> {
    let (id, which) = (person.user.id, (&Which::Request(request), Purpose::VerifyPhone));
    let code = guess(tx, app, which, digits, &Guesser::Person(id)).await?;
    let Some(code) = code.filter(|code| code.user_id == Some(id)) else {
        return Ok(Guess::Refused(Code::CodeInvalid));
    };
    code.use_up(tx).await?;
    let Claim { person: user, holder } = lock_claim(tx, id, &code.phone_number).await?;
    let user = user.filter(User::may_sign_in).ok_or(Code::TokenInvalid)?;
    // Who was signed out a moment ago, by a new password, adds no key any more.
    if !Session::lock(tx, person.session).await?.is_some_and(|session| session.is_open()) {
        return Err(Code::TokenInvalid.into());
    }
    if user.phone_number.as_ref() != Some(&code.phone_number) {
        match confirmed {
            Some(confirmed) => confirmed.check(&user)?,
            None => return Err(required(app, &user)),
        }
    }
    match prove(tx, &user, holder.as_ref(), &code.phone_number).await? {
        Some(user) => profile(tx, user).await.map(Guess::Right),
        None => Ok(Guess::Refused(Code::AlreadyExists)),
    }
}
