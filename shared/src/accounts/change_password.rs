//! A person changes their password.

use super::attempts::{self, Subject};
use super::model::{Principal, User};
use super::security_news::SecurityNews;
use super::session::Session;
use super::set_password::{NewPassword, Typed};
use crate::error::{Code, Error, Result};
use crate::ids::{SessionId, UserId};
use crate::language::Text;
use crate::{App, Tx};

const WRONG: Text = Text::new(
    "Joriy parol noto'g'ri.",
    "Текущий пароль неверен.",
    "The current password is wrong.",
);
const NONE: Text = Text::new(
    "Hisobingizda parol yo'q: uni emailingizga yuborilgan havola orqali o'rnating.",
    "У аккаунта нет пароля: задайте его по ссылке из письма для сброса пароля.",
    "The account has no password: set one with the link that a password reset mails you.",
);

/// What a person types to change their password, exactly as it came.
#[derive(Debug)]
pub struct PasswordChangeForm {
    /// The present one.
    pub old_password: String,
    /// The one to be.
    pub new_password: String,
    /// The same again.
    pub new_password_confirm: String,
}

/// A change whose present password was right a moment ago.
pub struct PasswordChange {
    user: UserId,
    session: SessionId,
    new: NewPassword,
}

impl PasswordChange {
    /// Checks the form, looks at the present password, and hashes the new one: slow on purpose, so it happens before the
    /// transaction.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` with the field that is wrong, `old_password` among them; `TOO_MANY_ATTEMPTS` after many wrong
    /// ones.
    pub async fn prepare(app: &App, by: &Principal, form: &PasswordChangeForm) -> Result<Self> {
        let user = &by.user;
        let Some(hash) = user.password_hash.as_deref() else {
            return Err(Error::field("old_password", NONE));
        };
        let typed = Typed {
            password: ("new_password", &form.new_password),
            confirm: ("new_password_confirm", &form.new_password_confirm),
        };
        typed.check(user)?;
        let subject = Subject::person(user.id);
        app.db.transaction(async |tx| attempts::begin(tx, &subject).await).await?;
        if !app.passwords.verify(&form.old_password, Some(hash)).await? {
            return Err(Error::field("old_password", WRONG));
        }
        // Whatever is wrong with the new one, the old one was no guess.
        app.db.transaction(async |tx| attempts::forgive(tx, &subject).await).await?;
        let new = NewPassword::prepare(app, user, &typed).await?;
        Ok(Self { user: user.id, session: by.session, new })
    }
}

/// Changes the password. Every other session of the person ends, and they are told by mail.
///
/// # Errors
/// `VALIDATION_ERROR` on `old_password` when it was changed meanwhile; `TOKEN_INVALID` when the session has ended.
pub async fn change_password(tx: &mut Tx, change: PasswordChange) -> Result<()> {
    let PasswordChange { user, session, new } = change;
    let user = User::lock(tx, user).await?.filter(User::may_sign_in).ok_or(Code::TokenInvalid)?;
    // Who was signed out a moment ago decides nothing any more.
    if !Session::lock(tx, session).await?.is_some_and(|session| session.is_open()) {
        return Err(Code::TokenInvalid.into());
    }
    if !new.still_fits(tx, &user).await? {
        return Err(Error::field("old_password", WRONG));
    }
    new.put(tx, &user, Some(session), |changed_at| SecurityNews::PasswordChanged { changed_at })
        .await
}
