//! Codes are of no use after minutes; limits look back an hour. They are kept for a day, for whoever asks what happened.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::error::Result;
use crate::jobs::Stretch;
use crate::schema::one_time_codes;
use crate::statement::statement;
use crate::{Conn, Tx};

/// How long a code is kept.
const KEEP: TimeDelta = TimeDelta::days(1);
/// Rows per batch.
const BATCH: i64 = 1_000;

/// How many codes are older than a day.
///
/// # Errors
/// The database's.
pub async fn count_old(conn: &mut Conn, as_of: DateTime<Utc>) -> Result<i64> {
    let old = one_time_codes::table.filter(one_time_codes::created_at.lt(as_of - KEEP));
    Ok(old.count().get_result(conn).await?)
}

/// Forgets the next codes that are older than a day.
///
/// # Errors
/// The database's.
pub async fn forget_old(tx: &mut Tx, as_of: DateTime<Utc>) -> Result<Stretch<DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct Forgotten {
        #[diesel(sql_type = BigInt)]
        rows: i64,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        last: Option<DateTime<Utc>>,
    }
    let forgotten: Forgotten = statement(
        "WITH old AS (SELECT id FROM one_time_codes WHERE created_at < $1
                      ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED),
              gone AS (DELETE FROM one_time_codes c USING old o WHERE c.id = o.id RETURNING c.created_at)
         SELECT count(*) AS rows, max(created_at) AS last FROM gone",
    )
    .bind::<Timestamptz, _>(as_of - KEEP)
    .bind::<BigInt, _>(BATCH)
    .get_result(tx.conn())
    .await?;
    let done = usize::try_from(forgotten.rows).unwrap_or(usize::MAX);
    Ok(Stretch { done, last: forgotten.last.filter(|_| forgotten.rows >= BATCH) })
}
