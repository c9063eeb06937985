//! How often the outside lets us call it, counted for all workers together.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::error::Result;
use crate::statement::statement;

/// Moments further away than this are not given out: the slot is better used by another job.
const HORIZON_MS: i64 = 2_000;

/// Reserves the next free moment under `key`, one every `interval`, and says how long to wait for it. `None` when the
/// next moments are taken: come back later.
///
/// # Errors
/// The database's.
pub async fn reserve(conn: &mut Conn, key: &str, interval: Duration) -> Result<Option<Duration>> {
    #[derive(QueryableByName)]
    struct Reserved {
        #[diesel(sql_type = BigInt)]
        wait_ms: i64,
    }
    let reserved: Option<Reserved> = statement(
        "INSERT INTO job_rates AS r (key, next_at) VALUES ($1, now() + make_interval(secs => $2 / 1e6))
         ON CONFLICT (key) DO UPDATE
             SET next_at = greatest(r.next_at, now()) + make_interval(secs => $2 / 1e6)
             WHERE r.next_at < now() + make_interval(secs => $3 / 1e3)
         RETURNING (extract(epoch FROM r.next_at - make_interval(secs => $2 / 1e6) - now()) * 1000)::bigint AS wait_ms",
    )
    .bind::<Text, _>(key)
    .bind::<BigInt, _>(i64::try_from(interval.as_micros()).unwrap_or(i64::MAX))
    .bind::<BigInt, _>(HORIZON_MS)
    .get_result(conn)
    .await
    .optional()?;
    Ok(reserved
        .map(|moment| Duration::from_millis(u64::try_from(moment.wait_ms).unwrap_or_default())))
}
