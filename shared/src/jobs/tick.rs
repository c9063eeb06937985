//! Ticks: a row with a primary key, so it fires once whoever is first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{JobKind, Origin, enqueue};
use crate::error::Result;
use crate::schema::cron_ticks;
use crate::{Conn, Outcome, Tx};

/// Fires one tick of a schedule: records it and its job, or finds it recorded.
///
/// # Errors
/// The database's.
pub async fn fire<J: JobKind>(
    tx: &mut Tx,
    schedule: &str,
    tick_at: DateTime<Utc>,
    by: &str,
    job: &J,
) -> Result<Outcome> {
    tx.caused_by(Origin::Cron);
    let inserted = diesel::insert_into(cron_ticks::table)
        .values((
            cron_ticks::schedule.eq(schedule),
            cron_ticks::tick_at.eq(tick_at),
            cron_ticks::fired_by.eq(by),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    if inserted == 0 {
        return Ok(Outcome::AlreadyDone);
    }
    enqueue(tx, job).await?;
    Ok(Outcome::Done)
}

/// The last tick of a schedule that fired. Ticks of a clock that ran ahead and was put right are not of the past: they will
/// not fire again, and nothing waits for them.
///
/// # Errors
/// The database's.
pub async fn last_tick(
    conn: &mut Conn,
    schedule: &str,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let tick = cron_ticks::table
        .select(diesel::dsl::max(cron_ticks::tick_at))
        .filter(cron_ticks::schedule.eq(schedule).and(cron_ticks::tick_at.le(now)))
        .first(conn)
        .await?;
    Ok(tick)
}
