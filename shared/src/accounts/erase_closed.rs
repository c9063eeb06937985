//! A month after an account was closed nothing in it says any more whose it was.
//!
//! Its row stays, because deals and the ledger name it; so does the audit log, which can only grow. In place of the address
//! stands its keyed print: whoever has the key and an address can tell that it had an account, and nobody else can.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text as SqlText, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Actor};
use crate::error::Result;
use crate::ids::UserId;
use crate::jobs::Stretch;
use crate::schema::{
    email_changes, email_tokens, known_devices, one_time_codes, password_history, password_resets,
    sessions, social_accounts, users,
};
use crate::statement::statement;
use crate::{App, Conn, Tx, uploads, withdrawals};

/// People per batch.
const BATCH: i64 = 25;
/// What the print is for: part of its MAC.
const ERASED_EMAIL: &str = "erased_email";
/// No mail server can ever have it (RFC 2606).
const NOWHERE: &str = "deleted.invalid";
/// What others see in place of the name.
const NAME: &str = "Deleted user";

/// Where a person is among the closed ones: when they closed their account, then their id.
pub type Closed = (DateTime<Utc>, UserId);

#[derive(QueryableByName)]
struct Person {
    #[diesel(sql_type = SqlUuid)]
    id: UserId,
    #[diesel(sql_type = SqlText)]
    email: String,
    #[diesel(sql_type = Timestamptz)]
    deleted_at: DateTime<Utc>,
}

/// How many accounts were closed before an instant and are not erased.
///
/// # Errors
/// The database's.
pub async fn count_to_erase(conn: &mut Conn, instant: DateTime<Utc>) -> Result<i64> {
    let waiting = users::deleted_at.lt(instant).and(users::erased_at.is_null());
    Ok(users::table.filter(waiting).count().get_result(conn).await?)
}

/// Erases what is personal in the next accounts that were closed before an instant: address, number, username, name,
/// password, Telegram, Google, picture and uploads, the name on their cards,
/// where they signed in from, and proofs of addresses.
///
/// # Errors
/// The database's.
pub async fn erase_closed(
    tx: &mut Tx,
    app: &App,
    instant: DateTime<Utc>,
    after: Option<Closed>,
) -> Result<Stretch<Closed>> {
    let (closed_at, id) = after.unwrap_or((DateTime::UNIX_EPOCH, UserId(Uuid::nil())));
    let people: Vec<Person> = statement(
        "SELECT id, email, deleted_at FROM users
         WHERE deleted_at < $1 AND erased_at IS NULL AND (deleted_at, id) > ($2, $3)
         ORDER BY deleted_at, id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED",
    )
    .bind::<Timestamptz, _>(instant)
    .bind::<Timestamptz, _>(closed_at)
    .bind::<SqlUuid, _>(id)
    .bind::<BigInt, _>(BATCH)
    .load(tx.conn())
    .await?;
    for person in &people {
        let print = app.tokens.print(ERASED_EMAIL, &person.email);
        erase(tx, person.id, &format!("{print}@{NOWHERE}")).await?;
    }
    if !people.is_empty() {
        tracing::info!(target: "accounts", erased = people.len(), before = %instant, "closed accounts erased");
    }
    let done = people.len();
    let looked_at = people.iter().map(|person| (person.deleted_at, person.id)).collect();
    Ok(Stretch::over(looked_at, BATCH, done))
}

async fn erase(tx: &mut Tx, id: UserId, email: &str) -> Result<()> {
    let nothing = None::<&str>;
    let now = tx.now();
    diesel::update(users::table.find(id))
        .set((
            users::email.eq(email),
            users::username.eq(nothing),
            users::phone_number.eq(nothing),
            users::full_name.eq(NAME),
            users::avatar.eq(nothing),
            users::password_hash.eq(nothing),
            users::telegram_id.eq(None::<i64>),
            users::telegram_username.eq(nothing),
            users::erased_at.eq(now),
            users::updated_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    uploads::discard_all(tx, id).await?;
    withdrawals::forget_card_holder(tx, id).await?;
    diesel::update(sessions::table.filter(sessions::user_id.eq(id)))
        .set((sessions::ip.eq(nothing), sessions::user_agent.eq(nothing)))
        .execute(tx.conn())
        .await?;
    diesel::delete(email_tokens::table.filter(email_tokens::user_id.eq(id)))
        .execute(tx.conn())
        .await?;
    diesel::delete(email_changes::table.filter(email_changes::user_id.eq(id)))
        .execute(tx.conn())
        .await?;
    diesel::delete(password_resets::table.filter(password_resets::user_id.eq(id)))
        .execute(tx.conn())
        .await?;
    diesel::delete(password_history::table.filter(password_history::user_id.eq(id)))
        .execute(tx.conn())
        .await?;
    diesel::delete(known_devices::table.filter(known_devices::user_id.eq(id)))
        .execute(tx.conn())
        .await?;
    diesel::delete(social_accounts::table.filter(social_accounts::user_id.eq(id)))
        .execute(tx.conn())
        .await?;
    diesel::delete(one_time_codes::table.filter(one_time_codes::user_id.eq(id)))
        .execute(tx.conn())
        .await?;
    let object = ("user", id.to_string());
    audit::record(tx, Actor::System, "user.erased", object, json!({})).await
}
