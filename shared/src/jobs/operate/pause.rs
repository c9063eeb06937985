//! A queue that stands still, for all workers and both transports.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::Operator;
use crate::error::Result;
use crate::jobs::{Queue, offer_everything_again};
use crate::schema::job_queues;
use crate::statement::statement;
use crate::{Outcome, Tx};

/// Stops a queue: nothing of it is handed out or claimed any more, and what was handed out waits again. Runs that have
/// begun go on. A second pause keeps the first one's author and reason.
///
/// # Errors
/// The database's.
pub async fn pause(tx: &mut Tx, by: &Operator, queue: Queue) -> Result<Outcome> {
    let paused = statement(
        "INSERT INTO job_queues AS q (queue, paused_at, paused_by, pause_reason) VALUES ($1, now(), $2, $3)
         ON CONFLICT (queue) DO UPDATE
             SET paused_at = excluded.paused_at, paused_by = excluded.paused_by, pause_reason = excluded.pause_reason
             WHERE q.paused_at IS NULL",
    )
    .bind::<Text, _>(queue.as_str())
    .bind::<Text, _>(by.name())
    .bind::<Nullable<Text>, _>(by.reason())
    .execute(tx.conn())
    .await?;
    if paused == 0 {
        return Ok(Outcome::AlreadyDone);
    }
    let taken_back = offer_everything_again(tx.conn(), queue).await?;
    let details = json!({ "taken_back": taken_back });
    by.record(tx, "jobs.pause", ("queue", queue.to_string()), details).await?;
    Ok(Outcome::Done)
}

/// Lets a queue go on, at once.
///
/// # Errors
/// The database's.
pub async fn resume(tx: &mut Tx, by: &Operator, queue: Queue) -> Result<Outcome> {
    let paused = job_queues::table.find(queue.as_str()).filter(job_queues::paused_at.is_not_null());
    let resumed = diesel::delete(paused).execute(tx.conn()).await?;
    if resumed == 0 {
        return Ok(Outcome::AlreadyDone);
    }
    // What was being handed out while the pause was committed: its message came to nothing.
    let taken_back = offer_everything_again(tx.conn(), queue).await?;
    tx.ring();
    let details = json!({ "taken_back": taken_back });
    by.record(tx, "jobs.resume", ("queue", queue.to_string()), details).await?;
    Ok(Outcome::Done)
}
