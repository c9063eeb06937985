//! A session alone may be a stolen one: before what cannot be taken back, a person shows again that it is them.
//!
//! By what they have: their password; without one, a code to the number they proved; with neither, a session that began a
//! moment ago, because they can only sign in elsewhere.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::attempts::{self, Subject};
use super::codes::{self, Purpose};
use super::model::{Principal, User};
use crate::App;
use crate::error::{Code, Error, Result, texts};
use crate::ids::SessionId;
use crate::language::Text;
use crate::statement::statement;

const WRONG: Text = Text::new("Parol noto'g'ri.", "Неверный пароль.", "The password is wrong.");

/// What a person shows.
#[derive(Clone, Copy, Default)]
pub struct IdentityProof<'a> {
    /// The name of the password's field.
    pub field: &'static str,
    /// The password they have now.
    pub password: Option<&'a str>,
    /// The digits that were sent to their number.
    pub code: Option<&'a str>,
}

/// That a person has just shown who they are, and by what. Whoever uses it asks with [`Confirmed::holds`] whether it is
/// still so under the lock of their row.
pub enum Confirmed {
    /// The password with this hash.
    Password(String),
    /// A code to this number.
    Number(String),
    /// A session that began a moment ago.
    Session,
}

impl Confirmed {
    /// Whether what was shown is still the person's, and is still what is asked of them.
    pub(super) fn holds(&self, user: &User) -> bool {
        match (self, Way::of(user)) {
            (Self::Password(shown), Way::Password(hash)) => shown == hash,
            (Self::Number(shown), Way::Code(number)) => shown == number,
            (Self::Session, Way::Session) => true,
            (Self::Password(_) | Self::Number(_) | Self::Session, _) => false,
        }
    }
}

/// How a person can show who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way<'a> {
    Password(&'a str),
    Code(&'a str),
    Session,
}

impl<'a> Way<'a> {
    fn of(user: &'a User) -> Self {
        match (&user.password_hash, user.proven_number()) {
            (Some(hash), _) => Self::Password(hash),
            (None, Some(number)) => Self::Code(number),
            (None, None) => Self::Session,
        }
    }

    /// What the answer calls it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Password(_) => "password",
            Self::Code(_) => "code",
            Self::Session => "sign_in",
        }
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
    let user = &who.user;
    match Way::of(user) {
        Way::Password(hash) => by_password(app, user, hash, shown).await,
        Way::Code(number) => by_code(app, user, (purpose, number), shown).await,
        Way::Session => by_session(app, user, who.session).await,
    }
}

async fn by_password(
    app: &App,
    user: &User,
    hash: &str,
    shown: IdentityProof<'_>,
) -> Result<Confirmed> {
    let Some(password) = shown.password.filter(|password| !password.is_empty()) else {
        return Err(required(user).and_field(shown.field, texts::REQUIRED, ""));
    };
    let subject = Subject::person(user.id);
    app.db.transaction(async |tx| attempts::begin(tx, &subject).await).await?;
    if app.passwords.verify(password, Some(hash)).await? {
        app.db.transaction(async |tx| attempts::forgive(tx, &subject).await).await?;
        return Ok(Confirmed::Password(hash.to_owned()));
    }
    tracing::warn!(target: "accounts", user = %user.id, "not confirmed: wrong password");
    Err(required(user).and_field(shown.field, WRONG, ""))
}

async fn by_code(
    app: &App,
    user: &User,
    (purpose, number): (Purpose, &str),
    shown: IdentityProof<'_>,
) -> Result<Confirmed> {
    let Some(digits) = shown.code else {
        return Err(required(user).and_field("code", texts::REQUIRED, ""));
    };
    let guess = app
        .db
        .transaction(async |tx| codes::consume(tx, app, user.id, purpose, digits).await)
        .await?;
    guess.into_result()?;
    Ok(Confirmed::Number(number.to_owned()))
}

async fn by_session(app: &App, user: &User, session: SessionId) -> Result<Confirmed> {
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
    if row.fresh { Ok(Confirmed::Session) } else { Err(required(user)) }
}

/// It must be shown again, and how it can be.
pub(super) fn required(user: &User) -> Error {
    Error::new(Code::ReauthRequired).fact("methods", json!([Way::of(user).as_str()]))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::testing::a_user;

    #[test]
    fn what_was_shown_holds_while_it_is_what_is_asked() {
        let bare = a_user("ali@mail.uz");
        let with_number = User {
            phone_number: Some("+998901234567".to_owned()),
            phone_verified_at: Some(DateTime::UNIX_EPOCH),
            ..bare.clone()
        };
        let with_password = User { password_hash: Some("hash".to_owned()), ..with_number.clone() };
        let password = Confirmed::Password("hash".to_owned());
        let number = Confirmed::Number("+998901234567".to_owned());
        for (confirmed, holds) in [
            (&password, [false, false, true]),
            (&number, [false, true, false]),
            (&Confirmed::Session, [true, false, false]),
            (&Confirmed::Password("old".to_owned()), [false; 3]),
            (&Confirmed::Number("+998907654321".to_owned()), [false; 3]),
        ] {
            let found = [&bare, &with_number, &with_password].map(|user| confirmed.holds(user));
            assert_eq!(found, holds);
        }
        let typed = User { phone_verified_at: None, ..with_number };
        assert_eq!(Way::of(&typed), Way::Session, "a number that was only typed proves nothing");
    }
}
