//! What signing in leaves behind is kept for as long as it decides anything, and a little longer for who looks into a case.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;

use super::attempts;
use crate::error::Result;
use crate::jobs::Stretch;
use crate::schema::{email_tokens, known_devices, password_resets, sign_in_failures};
use crate::statement::statement;
use crate::{Conn, Tx};

/// Requests for links decide for an hour. Those for a proof of an address that nobody has are kept as long.
const RESETS_KEPT: TimeDelta = TimeDelta::days(7);
/// A device that was not seen for so long is new again.
const DEVICES_KEPT: TimeDelta = TimeDelta::days(180);
/// Rows of each kind per batch.
const BATCH: i64 = 1_000;

/// How many rows nobody asks for any more.
///
/// # Errors
/// The database's.
pub async fn count_forgotten(conn: &mut Conn, as_of: DateTime<Utc>) -> Result<i64> {
    let failures = sign_in_failures::last_at.lt(as_of - attempts::FORGOTTEN_AFTER);
    let resets = password_resets::created_at.lt(as_of - RESETS_KEPT);
    let devices = known_devices::last_seen_at.lt(as_of - DEVICES_KEPT);
    let nobodys =
        email_tokens::user_id.is_null().and(email_tokens::created_at.lt(as_of - RESETS_KEPT));
    let failures: i64 = sign_in_failures::table.filter(failures).count().get_result(conn).await?;
    let resets: i64 = password_resets::table.filter(resets).count().get_result(conn).await?;
    let devices: i64 = known_devices::table.filter(devices).count().get_result(conn).await?;
    let nobodys: i64 = email_tokens::table.filter(nobodys).count().get_result(conn).await?;
    Ok(failures.saturating_add(resets).saturating_add(devices).saturating_add(nobodys))
}

/// Forgets the next of them. A row that somebody holds is left to the next run.
///
/// # Errors
/// The database's.
pub async fn forget_sign_ins(tx: &mut Tx, as_of: DateTime<Utc>) -> Result<Stretch<DateTime<Utc>>> {
    let failures = statement(
        "DELETE FROM sign_in_failures WHERE subject IN (SELECT subject FROM sign_in_failures WHERE last_at < $1
         ORDER BY last_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind::<Timestamptz, _>(as_of - attempts::FORGOTTEN_AFTER)
    .bind::<BigInt, _>(BATCH)
    .execute(tx.conn())
    .await?;
    let resets = statement(
        "DELETE FROM password_resets WHERE id IN (SELECT id FROM password_resets WHERE created_at < $1
         ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind::<Timestamptz, _>(as_of - RESETS_KEPT)
    .bind::<BigInt, _>(BATCH)
    .execute(tx.conn())
    .await?;
    let devices = statement(
        "DELETE FROM known_devices WHERE (user_id, device) IN (SELECT user_id, device FROM known_devices
         WHERE last_seen_at < $1 ORDER BY last_seen_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind::<Timestamptz, _>(as_of - DEVICES_KEPT)
    .bind::<BigInt, _>(BATCH)
    .execute(tx.conn())
    .await?;
    let nobodys = statement(
        "DELETE FROM email_tokens WHERE id IN (SELECT id FROM email_tokens WHERE user_id IS NULL AND created_at < $1
         ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind::<Timestamptz, _>(as_of - RESETS_KEPT)
    .bind::<BigInt, _>(BATCH)
    .execute(tx.conn())
    .await?;
    let full = |rows: usize| i64::try_from(rows).is_ok_and(|rows| rows >= BATCH);
    let more = full(failures) || full(resets) || full(devices) || full(nobodys);
    Ok(Stretch { done: failures + resets + devices + nobodys, last: more.then_some(as_of) })
}
