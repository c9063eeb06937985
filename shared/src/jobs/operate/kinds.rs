//! The kinds that this version knows or awaits, and which of them are failing.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::error::Result;
use crate::jobs::{AWAITED, DEPTH_MAX, Limits, Queue, registry};
use crate::statement::statement;

/// One kind of job.
#[derive(Clone, Debug)]
pub struct KindView {
    /// Its name.
    pub kind: &'static str,
    /// How it runs; none while it is awaited.
    pub rules: Option<KindRules>,
    /// The domain that an awaited kind comes with.
    pub awaited_with: Option<&'static str>,
    /// Dead jobs; exact below [`DEPTH_MAX`].
    pub dead: i64,
    /// When the first of them died (business time).
    pub dead_since: Option<DateTime<Utc>>,
    /// What the last of them died of.
    pub last_error: Option<String>,
}

/// How a kind runs.
#[derive(Clone, Copy, Debug)]
pub struct KindRules {
    /// Where it waits.
    pub queue: Queue,
    /// `effect`, `external`, `plain` or `batch`.
    pub runner: &'static str,
    /// The version of its arguments.
    pub args_version: i16,
    /// How long and how often it may try.
    pub limits: Limits,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    dead: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    dead_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    last_error: Option<String>,
}

/// Every kind that this version knows, by name, and then those that it awaits.
///
/// # Errors
/// The database's.
pub async fn kinds(conn: &mut Conn) -> Result<Vec<KindView>> {
    let registry = registry();
    let awaited = AWAITED.iter().map(|(kind, domain)| (*kind, None, Some(*domain)));
    let known = registry.iter().map(|entry| {
        let rules = KindRules {
            queue: entry.queue,
            runner: entry.runner.as_str(),
            args_version: entry.version,
            limits: entry.limits,
        };
        (entry.kind, Some(rules), None)
    });
    let all: Vec<_> = known.chain(awaited).collect();
    let names: Vec<&str> = all.iter().map(|(kind, ..)| *kind).collect();
    let rows: Vec<Row> = statement(
        "SELECT d.dead, d.dead_since, l.last_error
         FROM unnest($1) WITH ORDINALITY AS n (kind, place)
         CROSS JOIN LATERAL (
             SELECT count(*) AS dead, min(finished_at) AS dead_since
             FROM (SELECT finished_at FROM jobs WHERE state = 'dead' AND kind = n.kind ORDER BY finished_at LIMIT $2) j) d
         LEFT JOIN LATERAL (
             SELECT last_error FROM jobs WHERE state = 'dead' AND kind = n.kind
             ORDER BY finished_at DESC LIMIT 1) l ON true
         ORDER BY n.place",
    )
    .bind::<Array<Text>, _>(names)
    .bind::<BigInt, _>(DEPTH_MAX)
    .load(conn)
    .await?;
    let kinds = all.into_iter().zip(rows).map(|((kind, rules, awaited_with), row)| KindView {
        kind,
        rules,
        awaited_with,
        dead: row.dead,
        dead_since: row.dead_since,
        last_error: row.last_error,
    });
    Ok(kinds.collect())
}
