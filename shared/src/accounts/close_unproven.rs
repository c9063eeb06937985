//! Accounts that nobody proved to be theirs are closed, so that the address is free for who it belongs to.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use super::session;
use crate::audit::{self, Actor};
use crate::error::Result;
use crate::ids::UserId;
use crate::jobs::Stretch;
use crate::statement::statement;
use crate::{Conn, Tx};

/// People per batch.
const BATCH: i64 = 100;

/// Where a person is among the old ones: when they registered, then their id.
pub type Registered = (DateTime<Utc>, UserId);

/// People `u` who registered before `$1`, proved nothing, and left nothing behind that needs an owner. A banned account
/// stays: its address is banned with it.
macro_rules! abandoned {
    ($select:literal, $rest:literal) => {
        statement(concat!(
            $select,
            " u.created_at < $1 AND NOT u.is_verified AND u.first_verified_at IS NULL AND u.deleted_at IS NULL AND u.is_active AND NOT (u.is_staff OR u.is_superuser)
              AND NOT EXISTS (SELECT FROM ledger.account a WHERE a.owner_id = u.id AND a.version > 0)
              AND NOT EXISTS (SELECT FROM transactions t WHERE t.user_id = u.id)
              AND NOT EXISTS (SELECT FROM escrows e WHERE e.buyer_id = u.id)
              AND NOT EXISTS (SELECT FROM escrows e WHERE e.seller_id = u.id)
              AND NOT EXISTS (SELECT FROM listings l WHERE l.seller_id = u.id)
              AND NOT EXISTS (SELECT FROM user_subscriptions s WHERE s.user_id = u.id) ",
            $rest
        ))
    };
}

#[derive(QueryableByName)]
struct Person {
    #[diesel(sql_type = SqlUuid)]
    id: UserId,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

/// How many people registered before an instant and never came back to prove anything.
///
/// # Errors
/// The database's.
pub async fn count_unproven(conn: &mut Conn, instant: DateTime<Utc>) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        people: i64,
    }
    let count: Count = abandoned!("SELECT count(*) AS people FROM users u WHERE", "")
        .bind::<Timestamptz, _>(instant)
        .get_result(conn)
        .await?;
    Ok(count.people)
}

/// Closes the accounts of the next people who registered before an instant and never proved anything; ends their
/// sessions. Their e-mail, username and phone number are free from then on.
///
/// Whoever holds the row of a person is signing in, proving an address or depositing: they are left to the next run. What
/// was committed until the row was locked is looked at again under the lock.
///
/// # Errors
/// The database's.
pub async fn close_unproven(
    tx: &mut Tx,
    instant: DateTime<Utc>,
    after: Option<Registered>,
) -> Result<Stretch<Registered>> {
    let (registered_at, id) = after.unwrap_or((DateTime::UNIX_EPOCH, UserId(Uuid::nil())));
    let people: Vec<Person> = abandoned!(
        "SELECT u.id, u.created_at FROM users u WHERE",
        "AND (u.created_at, u.id) > ($2, $3) ORDER BY u.created_at, u.id LIMIT $4 FOR NO KEY UPDATE OF u SKIP LOCKED"
    )
    .bind::<Timestamptz, _>(instant)
    .bind::<Timestamptz, _>(registered_at)
    .bind::<SqlUuid, _>(id)
    .bind::<BigInt, _>(BATCH)
    .load(tx.conn())
    .await?;
    let ids: Vec<UserId> = people.iter().map(|person| person.id).collect();
    let closed: Vec<Person> = abandoned!(
        "UPDATE users u SET is_active = false, deleted_at = app_now(), updated_at = app_now() WHERE",
        "AND u.id = ANY ($2) RETURNING u.id, u.created_at"
    )
    .bind::<Timestamptz, _>(instant)
    .bind::<Array<SqlUuid>, _>(ids)
    .load(tx.conn())
    .await?;
    for person in &closed {
        let sessions = session::revoke(tx, person.id, None, "unproven").await?;
        let details = json!({ "registered_at": person.created_at, "sessions": sessions });
        let object = ("user", person.id.to_string());
        audit::record(tx, Actor::System, "user.closed_unproven", object, details).await?;
    }
    if !closed.is_empty() {
        tracing::info!(target: "accounts", closed = closed.len(), before = %instant, "unproven accounts closed");
    }
    let looked_at = people.iter().map(|person| (person.created_at, person.id)).collect();
    Ok(Stretch::over(looked_at, BATCH, closed.len()))
}
