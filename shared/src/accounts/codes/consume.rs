//! A step that a person without a password confirms by code.

use super::guess::{Guess, Which, guess};
use super::model::Purpose;
use crate::accounts::User;
use crate::error::{Code, Result};
use crate::ids::UserId;
use crate::{App, Tx};

/// Uses the newest code that this person was sent for a purpose. The transaction must commit a refusal too: it has cost
/// a try. Call it before the person's row is locked.
///
/// # Errors
/// The database's; why the code is not taken is in the [`Guess`].
pub async fn consume(
    tx: &mut Tx,
    app: &App,
    user: UserId,
    purpose: Purpose,
    digits: &str,
) -> Result<Guess<()>> {
    let Some(code) = guess(tx, app, &Which::Of(user), purpose, digits).await? else {
        return Ok(Guess::Refused(Code::CodeInvalid));
    };
    code.use_up(tx).await?;
    let number = User::find(tx, user).await?.and_then(|user| user.proven_number().cloned());
    // A code of a number that they gave up since then proves nothing about them.
    if number.is_some_and(|number| number == code.phone_number) {
        Ok(Guess::Right(()))
    } else {
        Ok(Guess::Refused(Code::CodeInvalid))
    }
}
