//! Moving business time: `app_now()` is real time plus a shift that only the owner of the schema may change.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::{
    AsyncConnection as _, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _,
};

use crate::Conn;
use crate::db::app_now;
use crate::error::{Error, Result};
use crate::settings::{AppEnv, Settings};
use crate::statement::statement;

/// Moves business time forward, with every due time, token expiry and tick, and rings for the jobs that are due now.
///
/// # Errors
/// In production, always. `SERVICE_UNAVAILABLE` when the database does not answer.
pub async fn advance(settings: &Settings, by: Duration) -> Result<()> {
    if settings.env == AppEnv::Production {
        return Err(Error::internal("production runs on real time: the clock is not moved"));
    }
    let owner = settings.database.direct_url.expose();
    let mut conn = AsyncPgConnection::establish(owner).await.map_err(Error::unavailable)?;
    let milliseconds = i64::try_from(by.as_millis()).map_err(Error::internal)?;
    statement("UPDATE app_clock SET shift = shift + $1 * interval '1 millisecond'")
        .bind::<BigInt, _>(milliseconds)
        .execute(&mut conn)
        .await?;
    conn.batch_execute("NOTIFY wibe_jobs").await?;
    Ok(())
}

/// Business time, now.
///
/// # Errors
/// The database's.
pub async fn now(conn: &mut Conn) -> Result<DateTime<Utc>> {
    Ok(diesel::select(app_now()).get_result(conn).await?)
}

/// How far business time is ahead of real time.
///
/// # Errors
/// The database's.
pub async fn shift(conn: &mut Conn) -> Result<TimeDelta> {
    #[derive(QueryableByName)]
    struct Shift {
        #[diesel(sql_type = BigInt)]
        milliseconds: i64,
    }
    let shift: Shift = statement(
        "SELECT (extract(epoch FROM shift) * 1000)::bigint AS milliseconds FROM app_clock",
    )
    .get_result(conn)
    .await?;
    Ok(TimeDelta::milliseconds(shift.milliseconds))
}
