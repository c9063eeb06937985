//! What operators watch: how much waits, since when, and what died. Each figure costs the same however deep the backlog
//! is: ages are read from the first row of an index, and rows are counted up to a limit.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel_async::RunQueryDsl;

use super::Queue;
use crate::Conn;
use crate::error::Result;
use crate::statement::statement;

/// Rows are counted up to here: a depth of so many means "so many or more".
pub const DEPTH_MAX: i64 = 10_000;
/// Dead rows of a kind are counted up to here.
pub const DEAD_MAX: i64 = 1_000;
/// Due rows of a queue that are looked at for kinds nobody knows. Nobody takes those, so they end up at the head.
const HEAD: i64 = 1_000;

/// The rows of one queue in one state.
#[derive(Debug, QueryableByName)]
pub struct QueueBacklog {
    /// The queue.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// `ready` (due), `scheduled` (later), `dispatched` or `running`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// How many, up to [`DEPTH_MAX`].
    #[diesel(sql_type = BigInt)]
    pub depth: i64,
    /// The age of the oldest, in milliseconds: since it was due, handed out or started. What is scheduled has none.
    #[diesel(sql_type = BigInt)]
    pub oldest_age_ms: i64,
}

/// Every queue in every state of life, empty ones too.
///
/// # Errors
/// The database's.
pub async fn backlog(conn: &mut Conn) -> Result<Vec<QueueBacklog>> {
    let rows = statement(
        "SELECT q.queue, live.state, live.depth,
                greatest(0, coalesce((extract(epoch FROM live.age) * 1000)::bigint, 0)) AS oldest_age_ms
         FROM unnest($1) AS q (queue)
         CROSS JOIN LATERAL (
             SELECT 'ready' AS state,
                    (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'pending' AND queue = q.queue
                                           AND run_at <= app_now() LIMIT $2) AS few) AS depth,
                    (SELECT app_now() - run_at FROM jobs WHERE state = 'pending' AND queue = q.queue
                     AND run_at <= app_now() ORDER BY run_at, id LIMIT 1) AS age
             UNION ALL
             SELECT 'scheduled',
                    (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'pending' AND queue = q.queue
                                           AND run_at > app_now() LIMIT $2) AS few),
                    NULL
             UNION ALL
             SELECT 'dispatched',
                    (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'dispatched' AND queue = q.queue
                                           LIMIT $2) AS few),
                    (SELECT now() - dispatched_at FROM jobs WHERE state = 'dispatched' AND queue = q.queue
                     ORDER BY dispatched_at LIMIT 1)
             UNION ALL
             -- As many as there are slots.
             SELECT 'running', count(*), max(now() - started_at)
             FROM jobs WHERE state = 'running' AND queue = q.queue) AS live",
    )
    .bind::<Array<Text>, _>(queues())
    .bind::<BigInt, _>(DEPTH_MAX)
    .load(conn)
    .await?;
    Ok(rows)
}

/// Who serves a queue.
#[derive(Debug, QueryableByName)]
pub struct QueueCrew {
    /// The queue.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// Whether an operator has stopped it.
    #[diesel(sql_type = Bool)]
    pub paused: bool,
    /// Workers that take its jobs.
    #[diesel(sql_type = BigInt)]
    pub active: i64,
    /// Workers that finish what they run and leave.
    #[diesel(sql_type = BigInt)]
    pub draining: i64,
}

/// Every queue with its workers, also without any.
///
/// # Errors
/// The database's.
pub async fn crews(conn: &mut Conn) -> Result<Vec<QueueCrew>> {
    let rows = statement(
        "SELECT q.queue, p.paused_at IS NOT NULL AS paused,
                count(w.worker) FILTER (WHERE w.drain_requested_at IS NULL) AS active,
                count(w.worker) FILTER (WHERE w.drain_requested_at IS NOT NULL) AS draining
         FROM unnest($1) AS q (queue)
         LEFT JOIN job_queues p ON p.queue = q.queue
         LEFT JOIN job_workers w ON w.queue = q.queue AND w.seen_at > now() - interval '30 seconds'
         GROUP BY q.queue, p.paused_at",
    )
    .bind::<Array<Text>, _>(queues())
    .load(conn)
    .await?;
    Ok(rows)
}

/// How far the long work of one kind is.
#[derive(Debug, QueryableByName)]
pub struct KindProgress {
    /// The kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Rows that are done.
    #[diesel(sql_type = BigInt)]
    pub done: i64,
    /// Rows that were due in all.
    #[diesel(sql_type = BigInt)]
    pub due: i64,
}

/// The long work that is under way, by kind.
///
/// # Errors
/// The database's.
pub async fn long_work(conn: &mut Conn) -> Result<Vec<KindProgress>> {
    let rows = statement(
        "SELECT kind, sum(progress_done)::bigint AS done,
                sum(greatest(progress_done, coalesce(progress_total, 0)))::bigint AS due
         FROM (SELECT kind, progress_done, progress_total FROM jobs WHERE state = 'running'
               UNION ALL
               SELECT kind, progress_done, progress_total FROM jobs WHERE state = 'dispatched') AS live
         WHERE progress_done IS NOT NULL GROUP BY kind",
    )
    .load(conn)
    .await?;
    Ok(rows)
}

/// The jobs of one kind.
#[derive(Debug, QueryableByName)]
pub struct KindBacklog {
    /// The kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Its queue, as on the oldest of them.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// How many, up to [`DEAD_MAX`].
    #[diesel(sql_type = BigInt)]
    pub depth: i64,
    /// The age of the oldest, in milliseconds: since it died or was due.
    #[diesel(sql_type = BigInt)]
    pub oldest_age_ms: i64,
}

/// The dead letter, by kind.
///
/// # Errors
/// The database's.
pub async fn dead_by_kind(conn: &mut Conn) -> Result<Vec<KindBacklog>> {
    let rows = statement(
        "WITH RECURSIVE kinds (kind) AS (
             (SELECT kind FROM jobs WHERE state = 'dead' ORDER BY kind LIMIT 1)
             UNION ALL
             SELECT (SELECT j.kind FROM jobs j WHERE j.state = 'dead' AND j.kind > k.kind ORDER BY j.kind LIMIT 1)
             FROM kinds k WHERE k.kind IS NOT NULL)
         SELECT k.kind, oldest.queue,
                (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'dead' AND kind = k.kind LIMIT $1) AS few) AS depth,
                greatest(0, (extract(epoch FROM app_now() - oldest.finished_at) * 1000)::bigint) AS oldest_age_ms
         FROM kinds k
         CROSS JOIN LATERAL (SELECT queue, finished_at FROM jobs WHERE state = 'dead' AND kind = k.kind
                             ORDER BY finished_at LIMIT 1) AS oldest
         WHERE k.kind IS NOT NULL",
    )
    .bind::<BigInt, _>(DEAD_MAX)
    .load(conn)
    .await?;
    Ok(rows)
}

/// Due jobs of kinds that nobody here knows, among the oldest of each queue: a deploy is half done, or a kind was
/// renamed.
///
/// # Errors
/// The database's.
pub async fn unknown_kinds(conn: &mut Conn, known: &[&str]) -> Result<Vec<KindBacklog>> {
    let rows = statement(
        "SELECT head.kind, min(q.queue) AS queue, count(*) AS depth,
                greatest(0, (extract(epoch FROM app_now() - min(head.run_at)) * 1000)::bigint) AS oldest_age_ms
         FROM unnest($1) AS q (queue)
         CROSS JOIN LATERAL (SELECT kind, run_at FROM jobs WHERE state = 'pending' AND queue = q.queue
                             AND run_at <= app_now() ORDER BY run_at, id LIMIT $2) AS head
         WHERE head.kind <> ALL ($3) GROUP BY head.kind",
    )
    .bind::<Array<Text>, _>(queues())
    .bind::<BigInt, _>(HEAD)
    .bind::<Array<Text>, _>(known)
    .load(conn)
    .await?;
    Ok(rows)
}

/// When a schedule fired last.
#[derive(Debug, QueryableByName)]
pub struct LastFire {
    /// The schedule.
    #[diesel(sql_type = Text)]
    pub schedule: String,
    /// Seconds since 1970, real time.
    #[diesel(sql_type = BigInt)]
    pub fired_at: i64,
    /// Seconds ago.
    #[diesel(sql_type = BigInt)]
    pub age: i64,
}

/// The last firing of every schedule that ever fired, whoever fired it. What a clock that ran ahead and was put right wrote
/// down is left out: a time that has not come is nobody's last firing, and would hide a schedule that is silent.
///
/// # Errors
/// The database's.
pub async fn last_fires(conn: &mut Conn) -> Result<Vec<LastFire>> {
    let rows = statement(
        "WITH RECURSIVE schedules (schedule) AS (
             (SELECT schedule FROM cron_ticks ORDER BY schedule LIMIT 1)
             UNION ALL
             SELECT (SELECT c.schedule FROM cron_ticks c WHERE c.schedule > s.schedule ORDER BY c.schedule LIMIT 1)
             FROM schedules s WHERE s.schedule IS NOT NULL)
         SELECT s.schedule, extract(epoch FROM last.fired_at)::bigint AS fired_at,
                extract(epoch FROM now() - last.fired_at)::bigint AS age
         FROM schedules s
         CROSS JOIN LATERAL (SELECT fired_at FROM cron_ticks c WHERE c.schedule = s.schedule
                               AND tick_at <= app_now() AND fired_at <= now()
                             ORDER BY tick_at DESC LIMIT 1) AS last
         WHERE s.schedule IS NOT NULL",
    )
    .load(conn)
    .await?;
    Ok(rows)
}

fn queues() -> Vec<&'static str> {
    Queue::ALL.iter().map(|queue| queue.as_str()).collect()
}
