//! Whose an address is: whoever proved it.
//!
//! An account may have been registered with somebody else's address, by a slip or in bad faith. While nothing else of it is
//! proved, it is the address's owner who gets it, with the mailed link of a password reset. Once its person has proved a
//! phone, Telegram or Google, that would hand one person's money to another, or leave another's keys in the owner's account:
//! such an account keeps itself, no reset is mailed, and it gives the address to whoever proves it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::model::User;
use super::{email_change, placeholder, social};
use crate::audit::{self, Actor};
use crate::error::Result;
use crate::ids::UserId;
use crate::schema::users;
use crate::{Conn, Tx};

/// Whether who reads the mail of an account's address may choose its password: they have proved the address, or nothing.
pub(super) async fn is_opened_by_mail(conn: &mut Conn, user: &User) -> Result<bool> {
    Ok(user.email_verified_at.is_some() || !has_other_keys(conn, user).await?)
}

/// Whether an account gives its address to whoever proves it. The address of a banned account is banned with it.
pub(super) async fn gives_way(conn: &mut Conn, user: &User) -> Result<bool> {
    Ok(user.is_active && !is_opened_by_mail(conn, user).await?)
}

/// Whether they have proved anything that signs them in but an address.
async fn has_other_keys(conn: &mut Conn, user: &User) -> Result<bool> {
    let by_phone = user.phone_verified_at.is_some() || user.telegram_id.is_some();
    Ok(by_phone || social::google_id(conn, user.id).await?.is_some())
}

/// Who has an address, in its canonical form.
pub(super) async fn holder(conn: &mut Conn, email: &str) -> Result<Option<UserId>> {
    let theirs = users::email.eq(email).and(users::deleted_at.is_null());
    Ok(users::table.filter(theirs).select(users::id).first(conn).await.optional()?)
}

/// What becomes of somebody who comes with an address, as it looks without a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody has it.
    Free,
    /// Somebody typed it, and gives it to whoever proves it.
    GivesWay,
    /// It is somebody's.
    Taken,
}

/// How an address stands, in its canonical form.
pub(super) async fn standing(conn: &mut Conn, email: &str) -> Result<Standing> {
    let theirs = users::email.eq(email).and(users::deleted_at.is_null());
    let holder: Option<User> = User::query().filter(theirs).first(conn).await.optional()?;
    let Some(user) = holder else { return Ok(Standing::Free) };
    Ok(if gives_way(conn, &user).await? { Standing::GivesWay } else { Standing::Taken })
}

/// Whether an address is somebody's, whoever proves it.
pub(super) async fn is_taken(conn: &mut Conn, email: &str) -> Result<bool> {
    Ok(standing(conn, email).await? == Standing::Taken)
}

/// Takes the address from an account that gives way; its row is locked. Its proofs and links of the address are worth nothing
/// from then on.
pub(super) async fn release(tx: &mut Tx, holder: &User) -> Result<()> {
    let now = tx.now();
    let instead = match holder.telegram_id {
        Some(telegram) => placeholder::of_telegram(telegram),
        None => placeholder::of_phone(holder.id),
    };
    diesel::update(users::table.find(holder.id))
        .set((users::email.eq(instead), users::updated_at.eq(now)))
        .execute(tx.conn())
        .await?;
    email_change::withdraw(tx, holder.id).await?;
    let object = ("user", holder.id.to_string());
    audit::record(tx, Actor::System, "user.email_released", object, json!({})).await?;
    tracing::warn!(target: "accounts", user = %holder.id, "somebody else proved the address of this account; it is released");
    Ok(())
}
