//! Signing in, or up, with the code of an SMS.

use super::guess::{Guess, Guesser, Which, guess};
use super::model::Purpose;
use super::newcomer::register_newcomer;
use super::number::proven_holder;
use crate::accounts::Client;
use crate::accounts::sign_in::{Means, SignIn, sign_in};
use crate::error::{Code, Result};
use crate::{App, Tx};

/// Signs in the person who proved this phone before, or registers whoever proves it now.
///
/// # Errors
/// The database's; why a code is not taken is in the [`Guess`].
pub async fn sign_in_by_code(
    tx: &mut Tx,
    app: &App,
    which: &Which,
    digits: &str,
    client: &Client,
) -> Result<Guess<SignIn>> {
    let which = (which, Purpose::SignIn);
    let Some(code) = guess(tx, app, which, digits, &Guesser::stranger(client)).await? else {
        return Ok(Guess::Refused(Code::CodeInvalid));
    };
    code.use_up(tx).await?;
    let user = match proven_holder(tx, &code.phone_number).await? {
        Some(user) if !user.is_active => return Ok(Guess::Refused(Code::AccountDisabled)),
        Some(user) => user,
        None => register_newcomer(tx, &code, Means::Phone).await?,
    };
    sign_in(tx, app, user, Means::Phone, client).await.map(Guess::Right)
}
