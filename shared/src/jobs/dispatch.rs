//! Handing due rows to the transport.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::{Floor, Queue};
use crate::Conn;
use crate::error::Result;
use crate::ids::JobId;
use crate::statement::statement;

/// A row that was handed to the transport: what a Redis message says.
#[derive(Clone, Debug, QueryableByName)]
pub struct Dispatched {
    /// The job.
    #[diesel(sql_type = BigInt)]
    pub id: JobId,
    /// Which hand-out of the job this is: a message of an earlier one is stale.
    #[diesel(sql_type = Integer)]
    pub dispatch_gen: i32,
    /// The request or job that caused it.
    #[diesel(sql_type = Nullable<Text>)]
    pub trace_id: Option<String>,
    /// When it was due (business time).
    #[diesel(sql_type = Timestamptz)]
    pub run_at: DateTime<Utc>,
}

/// How many rows this worker may hand out now: its share of what is free of the queue's window.
///
/// The window of a queue is twice the slots of its live workers, at least 64 and at most 2,000: what Redis holds stays far below the
/// 8,000 entries that wedge it. Counting what is handed out reads the dead entries of an index too, as many as somebody's old
/// snapshot keeps: it is not for every hand-out.
///
/// # Errors
/// The database's.
pub async fn room(conn: &mut Conn, queue: Queue) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Room {
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }
    let room: Room = statement(
        "SELECT ceil(greatest(0, least(2000, greatest(64, 2 * coalesce(sum(slots), 0)))
                                 - (SELECT count(*) FROM jobs WHERE state = 'dispatched' AND queue = $1))::numeric
                     / greatest(1, count(*)))::bigint AS rows
         FROM job_workers WHERE queue = $1 AND seen_at > now() - interval '30 seconds'",
    )
    .bind::<Text, _>(queue.as_str())
    .get_result(conn)
    .await?;
    Ok(room.rows)
}

/// Marks due rows after `floor` as dispatched and returns them, at most `limit`. Suspects are left to
/// [`claim_suspect`](super::claim_suspect). Marked before pushed: a crash in between is found by [`offer_again`].
///
/// # Errors
/// The database's.
pub async fn take_due(
    conn: &mut Conn,
    queue: Queue,
    kinds: &[&str],
    floor: Floor,
    limit: i64,
) -> Result<Vec<Dispatched>> {
    let rows = statement(
        "UPDATE jobs SET state = 'dispatched', dispatch_gen = dispatch_gen + 1, dispatched_at = now()
         WHERE id = ANY (ARRAY(
             SELECT id FROM jobs
             WHERE state = 'pending' AND crashes = 0 AND queue = $1 AND kind = ANY ($2) AND run_at <= app_now()
               AND (run_at, id) > ($4, $5)
               AND NOT EXISTS (SELECT FROM job_queues q WHERE q.queue = $1 AND q.paused_at IS NOT NULL)
             ORDER BY run_at, id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED))
         RETURNING id, dispatch_gen, trace_id, run_at",
    )
    .bind::<Text, _>(queue.as_str())
    .bind::<Array<Text>, _>(kinds)
    .bind::<BigInt, _>(limit)
    .bind::<Timestamptz, _>(floor.run_at)
    .bind::<BigInt, _>(floor.id)
    .load(conn)
    .await?;
    Ok(rows)
}

/// How long until the next row of a queue falls due, in milliseconds; none when nothing waits for its time. Rows that are
/// due already are not meant: they wait for a slot, or for the end of a pause.
///
/// # Errors
/// The database's.
pub async fn next_due(conn: &mut Conn, queue: Queue) -> Result<Option<i64>> {
    #[derive(QueryableByName)]
    struct Next {
        #[diesel(sql_type = Nullable<BigInt>)]
        wait_ms: Option<i64>,
    }
    let next: Next = statement(
        "SELECT ceil(extract(epoch FROM (SELECT min(run_at) FROM jobs
                                         WHERE state = 'pending' AND queue = $1 AND run_at > app_now()) - app_now())
                     * 1000)::bigint AS wait_ms",
    )
    .bind::<Text, _>(queue.as_str())
    .get_result(conn)
    .await?;
    Ok(next.wait_ms)
}

/// Takes back rows that were handed out and never started: the message, or its queue, was lost.
/// Returns how many.
///
/// # Errors
/// The database's.
pub async fn offer_again(conn: &mut Conn, queue: Queue, after_seconds: i64) -> Result<usize> {
    let rows = statement(
        "UPDATE jobs SET state = 'pending'
         WHERE id IN (SELECT id FROM jobs
                      WHERE state = 'dispatched' AND queue = $1 AND dispatched_at < now() - make_interval(secs => $2::int)
                      FOR UPDATE SKIP LOCKED)",
    )
    .bind::<Text, _>(queue.as_str())
    .bind::<BigInt, _>(after_seconds)
    .execute(conn)
    .await?;
    Ok(rows)
}

/// Takes back everything that was handed out: Redis lost its memory or is away. Returns how many.
///
/// # Errors
/// The database's.
pub async fn offer_everything_again(conn: &mut Conn, queue: Queue) -> Result<usize> {
    offer_again(conn, queue, -1).await
}

/// Takes back rows whose message was not pushed, or will not be worked on. A message of theirs that arrives all the same
/// is stale by its generation. Returns how many.
///
/// # Errors
/// The database's.
pub async fn take_back(conn: &mut Conn, messages: &[(JobId, i32)]) -> Result<usize> {
    let (ids, generations): (Vec<JobId>, Vec<i32>) = messages.iter().copied().unzip();
    let taken = statement(
        "UPDATE jobs SET state = 'pending', dispatch_gen = dispatch_gen + 1
         FROM unnest($1, $2) AS m (id, gen)
         WHERE jobs.id = m.id AND jobs.dispatch_gen = m.gen AND jobs.state || '' = 'dispatched'",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Integer>, _>(generations)
    .execute(conn)
    .await?;
    Ok(taken)
}
