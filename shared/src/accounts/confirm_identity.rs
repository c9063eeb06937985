//! A session alone may be a stolen one: before what cannot be taken back, a person shows again that it is them.
//!
//! By what they have: their password; without one, a code to the number they proved, or one that the bot shows to their
//! Telegram account; and where no message can be sent to them, a session that began a moment ago, because they can only sign
//! in elsewhere.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::attempts::{self, Subject};
use super::codes::{self, Proved, Purpose};
use super::model::{Principal, User};
use crate::App;
use crate::error::{Code, Error, Result, texts};
use crate::ids::SessionId;
use crate::language::Text;
use crate::statement::statement;

const WRONG: Text = Text::new("Parol noto'g'ri.", "Неверный пароль.", "The password is wrong.");
/// Digits of a code.
const CODE_LENGTH: usize = 6;

/// What a person shows.
#[derive(Clone, Copy, Default)]
pub struct IdentityProof<'a> {
    /// The name of the password's field.
    pub field: &'static str,
    /// The password they have now. Six digits of somebody without a password are a code: the frontend has this field alone.
    pub password: Option<&'a str>,
    /// The name of the code's field.
    pub code_field: &'static str,
    /// The digits that were sent to their number, or that the bot shows them.
    pub code: Option<&'a str>,
}

impl<'a> IdentityProof<'a> {
    /// The code that they show, if they have no password.
    fn digits(&self) -> Option<&'a str> {
        let typed = self.code.map(str::trim).filter(|code| !code.is_empty());
        typed.or_else(|| self.password.map(str::trim).filter(|text| is_code(text)))
    }
}

fn is_code(text: &str) -> bool {
    text.len() == CODE_LENGTH && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// That a person has just shown who they are, and by what. Whoever uses it asks with [`Confirmed::check`] whether it is
/// still so under the lock of their row.
pub struct Confirmed {
    shown: Shown,
    sends_sms: bool,
}

/// What was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shown {
    /// The password with this hash.
    Password(String),
    /// A code to this number.
    Number(String),
    /// A code that the bot showed to this account with Telegram.
    Telegram(i64),
    /// A session that began a moment ago.
    Session,
}

impl Confirmed {
    /// Whether what was shown is still the person's, and is still what is asked of them.
    ///
    /// # Errors
    /// `REAUTH_REQUIRED`.
    pub(super) fn check(&self, user: &User) -> Result<()> {
        let ways = Ways::of(user, self.sends_sms);
        if ways.take(&self.shown) { Ok(()) } else { Err(ways.required()) }
    }
}

/// How a person can show who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ways<'a> {
    password: Option<&'a str>,
    number: Option<&'a str>,
    telegram: Option<i64>,
    session: bool,
}

impl<'a> Ways<'a> {
    fn of(user: &'a User, sends_sms: bool) -> Self {
        if let Some(hash) = user.password_hash.as_deref() {
            return Self { password: Some(hash), ..Self::default() };
        }
        let number = user.proven_number().filter(|_| sends_sms).map(String::as_str);
        let session = number.is_none();
        Self { password: None, number, telegram: user.telegram_id, session }
    }

    /// Whether one of them is what was shown.
    fn take(&self, shown: &Shown) -> bool {
        match shown {
            Shown::Password(hash) => self.password == Some(hash.as_str()),
            Shown::Number(number) => self.number == Some(number.as_str()),
            Shown::Telegram(id) => self.telegram == Some(*id),
            Shown::Session => self.session,
        }
    }

    fn by_code(&self) -> bool {
        self.number.is_some() || self.telegram.is_some()
    }

    /// What the answer calls them.
    fn names(&self) -> Vec<&'static str> {
        let ways = [
            ("password", self.password.is_some()),
            ("code", self.number.is_some()),
            ("telegram", self.telegram.is_some()),
            ("sign_in", self.session),
        ];
        ways.into_iter().filter(|(_, open)| *open).map(|(name, _)| name).collect()
    }

    fn required(&self) -> Error {
        Error::new(Code::ReauthRequired).fact("methods", json!(self.names()))
    }
}

/// Finds out whether it is them.
///
/// It takes no transaction: hashing is slow, so it holds no connection meanwhile; and a code that was tried is spent, whatever
/// becomes of the rest.
///
/// # Errors
/// `REAUTH_REQUIRED` when what they must show is missing or wrong; never 401, which clients take for the end of their
/// session. `TOO_MANY_ATTEMPTS` after many wrong passwords, `CODE_INVALID` for a code that is not theirs.
pub async fn confirm_identity(
    app: &App,
    who: &Principal,
    purpose: Purpose,
    shown: IdentityProof<'_>,
) -> Result<Confirmed> {
    let (user, sends_sms) = (&who.user, !app.sms.is_off());
    let ways = Ways::of(user, sends_sms);
    let shown = match (ways.password, shown.digits()) {
        (Some(hash), _) => by_password(app, user, hash, shown).await?,
        (None, Some(digits)) if ways.by_code() => by_code(app, user, purpose, digits).await?,
        (None, _) if ways.session && is_fresh(app, who.session).await? => Shown::Session,
        (None, _) if ways.by_code() => {
            return Err(ways.required().and_field(shown.code_field, texts::REQUIRED, ""));
        }
        (None, _) => return Err(ways.required()),
    };
    Ok(Confirmed { shown, sends_sms })
}

async fn by_password(
    app: &App,
    user: &User,
    hash: &str,
    shown: IdentityProof<'_>,
) -> Result<Shown> {
    let Some(password) = shown.password.filter(|password| !password.is_empty()) else {
        return Err(required(app, user).and_field(shown.field, texts::REQUIRED, ""));
    };
    let subject = Subject::person(user.id);
    app.db.transaction(async |tx| attempts::begin(tx, &subject).await).await?;
    if app.passwords.verify(password, Some(hash)).await? {
        app.db.transaction(async |tx| attempts::forgive(tx, &subject).await).await?;
        return Ok(Shown::Password(hash.to_owned()));
    }
    tracing::warn!(target: "accounts", user = %user.id, "not confirmed: wrong password");
    Err(required(app, user).and_field(shown.field, WRONG, ""))
}

async fn by_code(app: &App, user: &User, purpose: Purpose, digits: &str) -> Result<Shown> {
    let guess = app
        .db
        .transaction(async |tx| codes::consume(tx, app, user.id, purpose, digits).await)
        .await?;
    Ok(match guess.into_result()? {
        Proved::Number(number) => Shown::Number(number),
        Proved::Telegram(id) => Shown::Telegram(id),
    })
}

async fn is_fresh(app: &App, session: SessionId) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Fresh {
        #[diesel(sql_type = Bool)]
        fresh: bool,
    }
    let row: Fresh = statement(
        "SELECT EXISTS (SELECT FROM sessions WHERE id = $1 AND revoked_at IS NULL
                        AND created_at > app_now() - interval '10 minutes') AS fresh",
    )
    .bind::<SqlUuid, _>(session)
    .get_result(&mut *app.db.read().await?)
    .await?;
    Ok(row.fresh)
}

/// It must be shown again, and how it can be.
pub(super) fn required(app: &App, user: &User) -> Error {
    Ways::of(user, !app.sms.is_off()).required()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::testing::a_user;

    #[test]
    fn what_was_shown_holds_while_it_is_what_is_asked() {
        let number = "+998901234567";
        let bare = a_user("ali@mail.uz");
        let with_number = User {
            phone_number: Some(number.to_owned()),
            phone_verified_at: Some(DateTime::UNIX_EPOCH),
            ..bare.clone()
        };
        let of_telegram = User { telegram_id: Some(42), ..with_number.clone() };
        let with_password = User { password_hash: Some("hash".to_owned()), ..of_telegram.clone() };
        let everybody = [&bare, &with_number, &of_telegram, &with_password];
        for (shown, sends_sms, holds) in [
            (Shown::Password("hash".to_owned()), true, [false, false, false, true]),
            (Shown::Password("old".to_owned()), true, [false; 4]),
            (Shown::Number(number.to_owned()), true, [false, true, true, false]),
            (Shown::Number(number.to_owned()), false, [false; 4]),
            (Shown::Number("+998907654321".to_owned()), true, [false; 4]),
            (Shown::Telegram(42), true, [false, false, true, false]),
            (Shown::Telegram(42), false, [false, false, true, false]),
            (Shown::Telegram(43), true, [false; 4]),
            (Shown::Session, true, [true, false, false, false]),
            (Shown::Session, false, [true, true, true, false]),
        ] {
            let confirmed = Confirmed { shown, sends_sms };
            let found = everybody.map(|user| confirmed.check(user).is_ok());
            assert_eq!(found, holds, "{:?} {sends_sms}", confirmed.shown);
        }
        let typed = User { phone_verified_at: None, ..with_number };
        let ways = Ways::of(&typed, true);
        assert_eq!(ways.names(), ["sign_in"], "a number that was only typed proves nothing");
        assert_eq!(Ways::of(&of_telegram, true).names(), ["code", "telegram"]);
        assert_eq!(Ways::of(&of_telegram, false).names(), ["telegram", "sign_in"]);
    }

    #[test]
    fn six_digits_in_place_of_a_password_are_a_code() {
        let digits = |password: &'static str| {
            IdentityProof { password: Some(password), ..IdentityProof::default() }.digits()
        };
        assert_eq!(digits(" 012345 "), Some("012345"));
        for other in ["", "12345", "1234567", "12345a", "Correct-horse-7", "١٢٣"] {
            assert_eq!(digits(other), None, "{other}");
        }
        let both = IdentityProof {
            password: Some("111111"),
            code: Some("222222"),
            ..IdentityProof::default()
        };
        assert_eq!(both.digits(), Some("222222"));
    }
}
