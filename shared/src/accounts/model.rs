//! The row of a person, and what may be decided from it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;

use super::placeholder::is_placeholder;
use super::roles::Roles;
use crate::error::{Code, Error, Result};
use crate::ids::{SessionId, UserId};
use crate::language::Language;
use crate::schema::users;
use crate::{Conn, Tx};

/// A person. Their balance is the ledger's; it has no column here.
#[derive(Clone, HasQuery, Identifiable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Lower case.
    pub email: String,
    /// Unique without regard to case.
    pub username: Option<String>,
    /// `+998XXXXXXXXX`.
    pub phone_number: Option<String>,
    /// As they wrote it.
    pub full_name: String,
    /// Absolute URL.
    pub avatar: Option<String>,
    /// PHC string; none for people who sign in another way.
    pub password_hash: Option<String>,
    /// A banned or closed account is not active.
    pub is_active: bool,
    /// Works for the platform: may look. What else they may do is in their roles.
    pub is_staff: bool,
    /// May do everything.
    pub is_superuser: bool,
    /// Proved an e-mail, a phone or a Telegram account.
    pub is_verified: bool,
    /// Mean of the reviews, 0 to 5.
    pub rating: Decimal,
    /// Deals they sold.
    pub total_sales: i32,
    /// Deals they bought.
    pub total_purchases: i32,
    /// What they read.
    pub language: Language,
    /// IANA name.
    pub timezone: String,
    /// Registered at.
    pub created_at: DateTime<Utc>,
    /// Changed at.
    pub updated_at: DateTime<Utc>,
    /// Signed in at.
    pub last_login: Option<DateTime<Utc>>,
    /// Closed at.
    pub deleted_at: Option<DateTime<Utc>>,
    /// When they proved that the phone number is theirs; a number that was only typed proves nothing.
    pub phone_verified_at: Option<DateTime<Utc>>,
    /// Their account with Telegram.
    pub telegram_id: Option<i64>,
    /// What Telegram calls them, without the `@`.
    pub telegram_username: Option<String>,
    /// When they proved the address they have now; `is_verified` may stand for their phone alone.
    pub email_verified_at: Option<DateTime<Utc>>,
}

impl User {
    /// The row of a person, closed accounts included.
    ///
    /// # Errors
    /// The database's.
    pub async fn find(conn: &mut Conn, id: UserId) -> Result<Option<Self>> {
        Ok(Self::query().filter(users::id.eq(id)).first(conn).await.optional()?)
    }

    /// The person, if letters may be written to them: the account is open, and they have proved the address, so that nobody
    /// has us write to strangers.
    pub(crate) async fn find_to_mail(conn: &mut Conn, id: UserId) -> Result<Option<Self>> {
        let user = Self::find(conn, id).await?;
        Ok(user.filter(|user| user.may_sign_in() && user.may_be_mailed()))
    }

    /// Whether somebody reads their address, and it is them.
    pub(crate) fn may_be_mailed(&self) -> bool {
        self.email_verified_at.is_some() && !is_placeholder(&self.email)
    }

    /// Locks the row of a person to the end of the transaction.
    pub(super) async fn lock(tx: &mut Tx, id: UserId) -> Result<Option<Self>> {
        Ok(Self::query()
            .filter(users::id.eq(id))
            .for_no_key_update()
            .first(tx.conn())
            .await
            .optional()?)
    }

    /// Keeps the account of a person from being closed before the transaction ends: what it writes must have an owner.
    ///
    /// # Errors
    /// `TOKEN_INVALID` when it is closed or banned by now.
    pub(crate) async fn hold_open(tx: &mut Tx, id: UserId) -> Result<()> {
        let open = users::id.eq(id).and(users::is_active).and(users::deleted_at.is_null());
        let held =
            users::table.filter(open).select(users::id).for_share().first::<UserId>(tx.conn());
        held.await.optional()?.map(|_held| ()).ok_or_else(|| Error::new(Code::TokenInvalid))
    }

    /// Whether a person's account is neither banned nor closed now.
    pub(crate) async fn is_open(conn: &mut Conn, id: UserId) -> Result<bool> {
        let open = users::id.eq(id).and(users::is_active).and(users::deleted_at.is_null());
        let open = diesel::dsl::exists(users::table.filter(open));
        Ok(diesel::select(open).get_result(conn).await?)
    }

    /// Locks the row of the person who has this address, in its canonical form.
    pub(super) async fn lock_by_email(tx: &mut Tx, email: &str) -> Result<Option<Self>> {
        let theirs = users::email.eq(email).and(users::deleted_at.is_null());
        Ok(Self::query().filter(theirs).for_no_key_update().first(tx.conn()).await.optional()?)
    }

    /// Locks the row of the person who has this number, in its canonical form.
    pub(super) async fn lock_by_phone(tx: &mut Tx, number: &str) -> Result<Option<Self>> {
        let theirs = users::phone_number.eq(number).and(users::deleted_at.is_null());
        Ok(Self::query().filter(theirs).for_no_key_update().first(tx.conn()).await.optional()?)
    }

    /// Locks the rows of people, in the one order: that of their ids.
    pub(super) async fn lock_all(tx: &mut Tx, ids: Vec<UserId>) -> Result<Vec<Self>> {
        let these = Self::query().filter(users::id.eq_any(ids)).order(users::id);
        Ok(these.for_no_key_update().load(tx.conn()).await?)
    }

    /// Who has this account with Telegram.
    pub(super) async fn find_by_telegram(conn: &mut Conn, telegram: i64) -> Result<Option<UserId>> {
        let theirs = users::telegram_id.eq(telegram).and(users::deleted_at.is_null());
        Ok(users::table.filter(theirs).select(users::id).first(conn).await.optional()?)
    }

    /// Whether the account is neither banned nor closed.
    #[must_use]
    pub fn may_sign_in(&self) -> bool {
        self.is_active && self.deleted_at.is_none()
    }

    /// Their phone number, if they have proved it.
    #[must_use]
    pub fn proven_number(&self) -> Option<&String> {
        self.phone_number.as_ref().filter(|_| self.phone_verified_at.is_some())
    }

    /// The name others see.
    #[must_use]
    pub fn display_name(&self) -> &str {
        let local_part = || self.email.split('@').next().unwrap_or_default();
        let full_name = Some(self.full_name.as_str()).filter(|name| !name.is_empty());
        full_name.or(self.username.as_deref()).unwrap_or_else(local_part)
    }
}

/// Who is asking: a person with a live session.
#[derive(Clone)]
pub struct Principal {
    /// The person.
    pub user: User,
    /// The session of the token.
    pub session: SessionId,
    /// What they may do for the platform.
    pub roles: Roles,
}

impl Principal {
    /// The person, if they have proved who they are.
    ///
    /// # Errors
    /// `EMAIL_NOT_VERIFIED`.
    pub fn verified(&self) -> Result<&User> {
        if self.user.is_verified { Ok(&self.user) } else { Err(Error::new(Code::EmailNotVerified)) }
    }
}
