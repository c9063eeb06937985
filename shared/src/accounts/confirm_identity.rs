//! A session alone may be a stolen one: before what cannot be taken back, a person shows again that it is them.

use serde_json::json;

use super::model::User;
use crate::App;
use crate::error::{Code, Error, Result, texts};
use crate::language::Text;

const WRONG: Text = Text::new("Parol noto'g'ri.", "Неверный пароль.", "The password is wrong.");

/// That a person has just shown who they are, and by what. Whoever uses it asks with [`Confirmed::holds`] whether it is
/// still so under the lock of their row.
pub struct Confirmed {
    password_hash: String,
}

impl Confirmed {
    /// Whether what was shown is still the person's.
    pub(super) fn holds(&self, user: &User) -> bool {
        user.password_hash.as_deref() == Some(self.password_hash.as_str())
    }
}

/// Finds out whether it is them: by their password, which came under the name of `field`.
///
/// It takes no transaction: hashing is slow, so it holds no connection meanwhile.
///
/// # Errors
/// `REAUTH_REQUIRED` when the password is missing or wrong, or when they have none; never 401, which clients take for the
/// end of their session.
pub async fn confirm_identity(
    app: &App,
    user: &User,
    (field, password): (&str, Option<&str>),
) -> Result<Confirmed> {
    let Some(hash) = &user.password_hash else { return Err(required(user)) };
    let Some(password) = password.filter(|password| !password.is_empty()) else {
        return Err(required(user).and_field(field, texts::REQUIRED, ""));
    };
    if app.passwords.verify(password, Some(hash)).await? {
        return Ok(Confirmed { password_hash: hash.clone() });
    }
    tracing::warn!(target: "accounts", user = %user.id, "not confirmed: wrong password");
    Err(required(user).and_field(field, WRONG, ""))
}

/// It must be shown again, and how it can be.
pub(super) fn required(user: &User) -> Error {
    let method = if user.password_hash.is_some() { "password" } else { "code" };
    Error::new(Code::ReauthRequired).fact("methods", json!([method]))
}
