//! Choosing a new password with the mailed link.

use super::email_token;
use super::jobs::SendWelcomeEmail;
use super::model::User;
use super::password_reset::{RESET_PASSWORD, ResetRow};
use super::security_news::SecurityNews;
use super::set_password::{NewPassword, Typed};
use super::typed_address;
use crate::error::{Error, Result};
use crate::ids::{EmailTokenId, UserId};
use crate::language::Text;
use crate::{App, Tx, jobs};

const REFUSED: Text = Text::new(
    "Havola yaroqsiz yoki muddati o'tgan. Yangi xat so'rang.",
    "Ссылка недействительна или устарела. Запросите новое письмо.",
    "The link is not valid or too old. Please ask for a new mail.",
);

/// What a person sends from the mailed link.
#[derive(Debug)]
pub struct PasswordResetForm {
    /// The link's token.
    pub token: String,
    /// The new password, exactly as it came.
    pub password: String,
    /// The same again.
    pub password_confirm: String,
    /// The link's person; when it is given, it must be the token's.
    pub uid: Option<String>,
}

/// A reset whose token was good a moment ago.
pub struct PasswordReset {
    id: EmailTokenId,
    user: UserId,
    new: NewPassword,
}

impl PasswordReset {
    /// Looks at the token, checks the password and hashes it: slow on purpose, so it happens before the transaction. A
    /// token that is not ours costs no hash.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` with the field that is wrong, `token` among them.
    pub async fn prepare(app: &App, form: &PasswordResetForm) -> Result<Self> {
        let refused = || Error::field("token", REFUSED);
        let id = app.tokens.read_mailed(RESET_PASSWORD, form.token.trim()).ok_or_else(refused)?;
        let user = {
            // A transaction for its instant, which decides whether the link is too old.
            let found = app.db.transaction(async |tx| {
                let Some(row) = ResetRow::find(tx, id).await? else { return Ok(None) };
                let Some(user) = row.user_id else { return Ok(None) };
                let user = User::find(tx, user).await?;
                let Some(user) = user.filter(|user| row.opens(user, tx.now())) else {
                    return Ok(None);
                };
                Ok(typed_address::is_opened_by_mail(tx, &user).await?.then_some(user))
            });
            found.await?.ok_or_else(refused)?
        };
        if form.uid.as_deref().is_some_and(|uid| uid.parse() != Ok(user.id.0)) {
            return Err(refused());
        }
        let typed = Typed {
            password: ("password", &form.password),
            confirm: ("password_confirm", &form.password_confirm),
        };
        typed.check(&user)?;
        let new = NewPassword::prepare(app, &user, &typed).await?;
        Ok(Self { id, user: user.id, new })
    }
}

/// Puts the new password in place, once per link. Every session of the person ends, and they are told by mail.
///
/// Whoever holds the token reads the mail of the address, which is all that a proof of the address proves; so the address
/// is proved from then on. An account that somebody else registered with it, and in which nothing else is proved, is its
/// owner's now: the other's password and sessions are gone, and they have no other key.
///
/// # Errors
/// `VALIDATION_ERROR` on `token` when it was used, or the password was changed, meanwhile; or when the address is not proved
/// and something else of the account is.
pub async fn reset_password(tx: &mut Tx, reset: PasswordReset) -> Result<()> {
    let PasswordReset { id, user, new } = reset;
    let refused = || Error::field("token", REFUSED);
    // The row is read under the person's lock: whoever ends links holds it.
    let mut user = User::lock(tx, user).await?.ok_or_else(refused)?;
    let row = ResetRow::find(tx, id).await?.ok_or_else(refused)?;
    if !row.opens(&user, tx.now()) || !new.still_fits(tx, &user).await? {
        return Err(refused());
    }
    // They have proved something else since the link was mailed: it would stay in the account of the address's owner.
    if !typed_address::is_opened_by_mail(tx, &user).await? {
        return Err(refused());
    }
    let proves = user.email_verified_at.is_none();
    if proves {
        email_token::note_proof(tx, &mut user).await?;
    }
    new.put(tx, &user, None, |changed_at| SecurityNews::PasswordReset { changed_at }).await?;
    if proves {
        jobs::enqueue(tx, &SendWelcomeEmail { user_id: user.id }).await?;
    }
    Ok(())
}
