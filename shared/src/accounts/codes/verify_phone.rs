//! A signed-in person proves a number.

use super::guess::{Guess, Which, guess};
use super::model::Purpose;
use super::number::prove;
use crate::accounts::Principal;
use crate::accounts::profile::{Profile, profile};
use crate::error::{Code, Result};
use crate::ids::CodeId;
use crate::{App, Tx};

/// Proves the number that a code was sent to, and makes it the person's own. Whoever only typed it loses it.
///
/// # Errors
/// The database's; why a code is not taken is in the [`Guess`]: `CODE_INVALID`, or `ALREADY_EXISTS` when somebody else
/// proved the number before.
pub async fn verify_phone(
    tx: &mut Tx,
    app: &App,
    person: &Principal,
    request: CodeId,
    digits: &str,
) -> Result<Guess<Profile>> {
    let which = Which::Request(request);
    let code = guess(tx, app, &which, Purpose::VerifyPhone, digits).await?;
    let Some(code) = code.filter(|code| code.user_id == Some(person.user.id)) else {
        return Ok(Guess::Refused(Code::CodeInvalid));
    };
    code.use_up(tx).await?;
    match prove(tx, &person.user, &code.phone_number).await? {
        Some(user) => profile(tx, user).await.map(Guess::Right),
        None => Ok(Guess::Refused(Code::AlreadyExists)),
    }
}
