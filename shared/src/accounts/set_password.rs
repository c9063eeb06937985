//! Putting another password in the place of one: what changing and resetting have in common.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::attempts::{self, Subject};
use super::email_change;
use super::fields::Issues;
use super::jobs::SendSecurityEmail;
use super::model::User;
use super::password_policy::{self, Owner};
use super::password_reset;
use super::security_news::SecurityNews;
use super::session;
use crate::audit::{self, Actor};
use crate::error::{Error, Result};
use crate::ids::{SessionId, UserId};
use crate::language::Text;
use crate::schema::{password_history, users};
use crate::{App, Conn, Tx, jobs};

/// The present password and so many before it are not taken again.
const REMEMBERED_BEFORE: i64 = 4;

const DIFFERENT: Text =
    Text::new("Parollar bir xil emas.", "Пароли не совпадают.", "The passwords are not the same.");
const USED_BEFORE: Text = Text::new(
    "Oxirgi 5 ta paroldan birini qayta qo'yib bo'lmaydi.",
    "Нельзя использовать один из последних пяти паролей.",
    "One of your last five passwords cannot be used again.",
);

/// The password a person has, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Queryable)]
pub(super) struct Kept {
    /// None for people who sign in another way.
    pub(super) hash: Option<String>,
    /// When it took the place of another.
    pub(super) changed_at: Option<DateTime<Utc>>,
}

impl Kept {
    /// The one a person has now.
    pub(super) async fn find(conn: &mut Conn, user: UserId) -> Result<Self> {
        let kept =
            users::table.find(user).select((users::password_hash, users::password_changed_at));
        Ok(kept.first(conn).await?)
    }

    /// Whether it is the password that was looked at before. It may have been hashed anew since.
    pub(super) fn is_still(&self, seen: &Self) -> bool {
        self.hash.is_some() == seen.hash.is_some() && self.changed_at == seen.changed_at
    }
}

/// A password as its owner typed it, twice, each with the name of its field.
pub(super) struct Typed<'a> {
    pub(super) password: (&'static str, &'a str),
    pub(super) confirm: (&'static str, &'a str),
}

impl Typed<'_> {
    /// Whether it is good enough for a person, and the same both times.
    pub(super) fn check(&self, user: &User) -> Result<()> {
        let mut issues = Issues::default();
        for issue in password_policy::issues(self.password.1, Owner::from(user)) {
            issues.add(self.password.0, issue);
        }
        if self.password.1 != self.confirm.1 {
            issues.add(self.confirm.0, (DIFFERENT, String::new()));
        }
        issues.into_result()
    }
}

/// A hashed password, to take the place of one that was looked at.
pub(super) struct NewPassword {
    hash: String,
    instead_of: Kept,
}

impl NewPassword {
    /// Hashes a password that was checked, unless its owner had it lately: slow on purpose, so it holds no connection.
    pub(super) async fn prepare(app: &App, user: &User, typed: &Typed<'_>) -> Result<Self> {
        let (instead_of, before) = {
            let conn = &mut app.db.read().await?;
            (Kept::find(conn, user.id).await?, before(conn, user.id).await?)
        };
        let (field, password) = typed.password;
        for hash in instead_of.hash.iter().chain(&before) {
            if app.passwords.verify(password, Some(hash)).await? {
                return Err(Error::field(field, USED_BEFORE));
            }
        }
        Ok(Self { hash: app.passwords.hash(password).await?, instead_of })
    }

    /// Whether the person's password is still the one that was looked at. Their row is locked.
    pub(super) async fn still_fits(&self, tx: &mut Tx, user: &User) -> Result<bool> {
        Ok(Kept::find(tx, user.id).await?.is_still(&self.instead_of))
    }

    /// Puts it in place: the one before becomes history, links to choose a password or an address die, and sessions end: all of them,
    /// or all but the one that is named. The person's row is locked, and [`still_fits`](Self::still_fits) was asked.
    pub(super) async fn put(
        self,
        tx: &mut Tx,
        user: &User,
        keep: Option<SessionId>,
        news: fn(DateTime<Utc>) -> SecurityNews,
    ) -> Result<()> {
        let now = tx.now();
        remember(tx, user.id).await?;
        diesel::update(users::table.find(user.id))
            .set((
                users::password_hash.eq(&self.hash),
                users::password_changed_at.eq(now),
                users::updated_at.eq(now),
            ))
            .execute(tx.conn())
            .await?;
        password_reset::end_all(tx, user.id).await?;
        // Whoever knew the old one may have asked for an address of theirs.
        email_change::withdraw(tx, user.id).await?;
        let ended = session::revoke_others(tx, user.id, keep, "password_changed").await?;
        for subject in [Subject::address(&user.email), Subject::person(user.id)] {
            attempts::forgive(tx, &subject).await?;
        }
        let news = news(now);
        audit::record(
            tx,
            Actor::User(user.id),
            news.action(),
            ("user", user.id.to_string()),
            json!({"sessions_ended": ended, "kept": keep}),
        )
        .await?;
        tracing::info!(target: "accounts", user = %user.id, sessions = ended, "{}", news.action());
        jobs::enqueue(tx, &SendSecurityEmail { user_id: user.id, news }).await?;
        Ok(())
    }
}

/// The passwords a person had before the present one, the latest first.
async fn before(conn: &mut Conn, user: UserId) -> Result<Vec<String>> {
    let hashes = password_history::table
        .filter(password_history::user_id.eq(user))
        .order(password_history::id.desc())
        .limit(REMEMBERED_BEFORE)
        .select(password_history::password_hash)
        .load(conn)
        .await?;
    Ok(hashes)
}

/// Makes the present password history, and forgets what is older than what is looked at.
async fn remember(tx: &mut Tx, user: UserId) -> Result<()> {
    let Some(hash) = Kept::find(tx, user).await?.hash else { return Ok(()) };
    diesel::insert_into(password_history::table)
        .values((
            password_history::user_id.eq(user),
            password_history::password_hash.eq(hash),
            password_history::replaced_at.eq(tx.now()),
        ))
        .execute(tx.conn())
        .await?;
    let kept: Vec<i64> = password_history::table
        .filter(password_history::user_id.eq(user))
        .order(password_history::id.desc())
        .limit(REMEMBERED_BEFORE)
        .select(password_history::id)
        .load(tx.conn())
        .await?;
    let older = password_history::user_id.eq(user).and(password_history::id.ne_all(kept));
    diesel::delete(password_history::table.filter(older)).execute(tx.conn()).await?;
    Ok(())
}
