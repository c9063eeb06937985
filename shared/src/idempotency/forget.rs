//! Keys are kept for 30 days; the business key of the effect stays for ever.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::error::Result;
use crate::jobs::Stretch;
use crate::schema::idempotency_keys as keys;
use crate::statement::statement;
use crate::{Conn, Tx};

/// How long a key is remembered.
const KEEP: TimeDelta = TimeDelta::days(30);
/// Rows per batch.
const BATCH: i64 = 1_000;

/// How many keys are older than 30 days.
///
/// # Errors
/// The database's.
pub async fn count_forgotten(conn: &mut Conn, as_of: DateTime<Utc>) -> Result<i64> {
    Ok(keys::table.filter(keys::created_at.lt(as_of - KEEP)).count().get_result(conn).await?)
}

/// Forgets the next keys that are older than 30 days.
///
/// # Errors
/// The database's.
pub async fn forget(tx: &mut Tx, as_of: DateTime<Utc>) -> Result<Stretch<DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct Forgotten {
        #[diesel(sql_type = BigInt)]
        rows: i64,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        last: Option<DateTime<Utc>>,
    }
    let forgotten: Forgotten = statement(
        "WITH old AS (SELECT user_id, route, key FROM idempotency_keys WHERE created_at < $1
                      ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED),
              gone AS (DELETE FROM idempotency_keys k USING old o
                       WHERE k.user_id = o.user_id AND k.route = o.route AND k.key = o.key RETURNING k.created_at)
         SELECT count(*) AS rows, max(created_at) AS last FROM gone",
    )
    .bind::<Timestamptz, _>(as_of - KEEP)
    .bind::<BigInt, _>(BATCH)
    .get_result(tx.conn())
    .await?;
    let done = usize::try_from(forgotten.rows).unwrap_or(usize::MAX);
    Ok(Stretch { done, last: forgotten.last.filter(|_| forgotten.rows >= BATCH) })
}
