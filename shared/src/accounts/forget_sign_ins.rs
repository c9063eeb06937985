//! What signing in leaves behind is kept for as long as it decides anything, and a little longer for who looks into a case.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;

use super::attempts;
use crate::error::Result;
use crate::jobs::Stretch;
use crate::statement::statement;
use crate::{Conn, Tx};

/// Requests for links decide for an hour.
const RESETS_KEPT: TimeDelta = TimeDelta::days(7);
/// A device that was not seen for so long is new again.
const DEVICES_KEPT: TimeDelta = TimeDelta::days(180);
/// Sessions after their end, proofs and wishes for another address after their links'.
const ENDED_KEPT: TimeDelta = TimeDelta::days(30);
/// Rows of each kind per batch.
const BATCH: i64 = 1_000;

/// One kind of rows that are forgotten by their age.
struct Leftover {
    /// How long they are kept.
    kept: TimeDelta,
    /// Counts those before `$1`.
    count: &'static str,
    /// Deletes the next `$2` of them.
    forget: &'static str,
}

const LEFTOVERS: [Leftover; 6] = [
    Leftover {
        kept: attempts::FORGOTTEN_AFTER,
        count: "SELECT count(*) AS rows FROM sign_in_failures WHERE last_at < $1",
        forget: "DELETE FROM sign_in_failures WHERE subject IN (SELECT subject FROM sign_in_failures WHERE last_at < $1
                 ORDER BY last_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    },
    Leftover {
        kept: RESETS_KEPT,
        count: "SELECT count(*) AS rows FROM password_resets WHERE created_at < $1",
        forget: "DELETE FROM password_resets WHERE id IN (SELECT id FROM password_resets WHERE created_at < $1
                 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    },
    Leftover {
        kept: DEVICES_KEPT,
        count: "SELECT count(*) AS rows FROM known_devices WHERE last_seen_at < $1",
        forget: "DELETE FROM known_devices WHERE (user_id, device) IN (SELECT user_id, device FROM known_devices
                 WHERE last_seen_at < $1 ORDER BY last_seen_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    },
    Leftover {
        kept: ENDED_KEPT,
        count: "SELECT count(*) AS rows FROM sessions WHERE coalesce(revoked_at, expires_at) < $1",
        forget: "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE coalesce(revoked_at, expires_at) < $1
                 ORDER BY coalesce(revoked_at, expires_at) LIMIT $2 FOR UPDATE SKIP LOCKED)",
    },
    Leftover {
        kept: ENDED_KEPT,
        count: "SELECT count(*) AS rows FROM email_tokens WHERE expires_at < $1",
        forget: "DELETE FROM email_tokens WHERE id IN (SELECT id FROM email_tokens WHERE expires_at < $1
                 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    },
    Leftover {
        kept: ENDED_KEPT,
        count: "SELECT count(*) AS rows FROM email_changes WHERE expires_at < $1",
        forget: "DELETE FROM email_changes WHERE id IN (SELECT id FROM email_changes WHERE expires_at < $1
                 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    },
];

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// How many rows nobody asks for any more.
///
/// # Errors
/// The database's.
pub async fn count_forgotten(conn: &mut Conn, as_of: DateTime<Utc>) -> Result<i64> {
    let mut all = 0_i64;
    for leftover in &LEFTOVERS {
        let before = as_of - leftover.kept;
        let counted: Counted =
            statement(leftover.count).bind::<Timestamptz, _>(before).get_result(conn).await?;
        all = all.saturating_add(counted.rows);
    }
    Ok(all)
}

/// Forgets the next of them. A row that somebody holds is left to the next run.
///
/// # Errors
/// The database's.
pub async fn forget_sign_ins(tx: &mut Tx, as_of: DateTime<Utc>) -> Result<Stretch<DateTime<Utc>>> {
    let (mut done, mut more) = (0_usize, false);
    for leftover in &LEFTOVERS {
        let rows = statement(leftover.forget)
            .bind::<Timestamptz, _>(as_of - leftover.kept)
            .bind::<BigInt, _>(BATCH)
            .execute(tx.conn())
            .await?;
        done += rows;
        more |= i64::try_from(rows).is_ok_and(|rows| rows >= BATCH);
    }
    Ok(Stretch { done, last: more.then_some(as_of) })
}
