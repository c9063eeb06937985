//! What operators watch: how much waits, since when, and what died.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::error::Result;
use crate::statement::statement;

/// The rows of one queue in one state.
#[derive(Debug, QueryableByName)]
pub struct QueueBacklog {
    /// The queue.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// `ready` (due), `scheduled` (later), `dispatched`, `running` or `dead`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub depth: i64,
    /// The age of the oldest, in milliseconds: since it was due, started or died.
    #[diesel(sql_type = BigInt)]
    pub oldest_age_ms: i64,
}

/// Every queue and state that has rows.
///
/// # Errors
/// The database's.
pub async fn backlog(conn: &mut Conn) -> Result<Vec<QueueBacklog>> {
    let rows = statement(
        "SELECT queue, state, count(*) AS depth,
                greatest(0, (extract(epoch FROM max(age)) * 1000)::bigint) AS oldest_age_ms
         FROM (SELECT queue,
                      CASE WHEN state <> 'pending' THEN state WHEN run_at <= app_now() THEN 'ready' ELSE 'scheduled' END AS state,
                      CASE state WHEN 'running' THEN now() - started_at WHEN 'dispatched' THEN now() - dispatched_at
                                 WHEN 'dead' THEN app_now() - finished_at ELSE app_now() - run_at END AS age
               FROM jobs WHERE state IN ('pending', 'dispatched', 'running', 'dead')) live
         GROUP BY queue, state",
    )
    .load(conn)
    .await?;
    Ok(rows)
}

/// The dead jobs of one kind.
#[derive(Debug, QueryableByName)]
pub struct KindBacklog {
    /// The kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub depth: i64,
    /// The age of the oldest, in milliseconds.
    #[diesel(sql_type = BigInt)]
    pub oldest_age_ms: i64,
}

/// The dead letter, by kind.
///
/// # Errors
/// The database's.
pub async fn dead_by_kind(conn: &mut Conn) -> Result<Vec<KindBacklog>> {
    let rows = statement(
        "SELECT kind, count(*) AS depth,
                greatest(0, (extract(epoch FROM app_now() - min(finished_at)) * 1000)::bigint) AS oldest_age_ms
         FROM jobs WHERE state = 'dead' GROUP BY kind",
    )
    .load(conn)
    .await?;
    Ok(rows)
}

/// Pending jobs of kinds that nobody here knows: a deploy is half done, or a kind was renamed.
///
/// # Errors
/// The database's.
pub async fn unknown_kinds(conn: &mut Conn, known: &[&str]) -> Result<Vec<KindBacklog>> {
    let rows = statement(
        "SELECT kind, count(*) AS depth,
                greatest(0, (extract(epoch FROM app_now() - min(run_at)) * 1000)::bigint) AS oldest_age_ms
         FROM jobs WHERE state = 'pending' AND kind <> ALL ($1) GROUP BY kind",
    )
    .bind::<Array<Text>, _>(known)
    .load(conn)
    .await?;
    Ok(rows)
}
