//! Whether the books agree: with themselves, with the deals and with the transactions.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::invariants::INVARIANTS;
use super::marks::{Marks, Seen};
use super::recent::{RECENT, promise};
use crate::error::Result;
use crate::statement::statement;
use crate::{Conn, Db};

/// As many findings of one invariant are shown in a sentence.
const SHOWN: usize = 5;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: &'static str,
    /// What it promises.
    pub promise: &'static str,
    /// How many rows break it.
    pub rows: i64,
    /// Up to twenty of them.
    pub findings: Vec<String>,
}

/// What a check found, and where the next one begins.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What does not hold.
    pub violations: Vec<Violation>,
    /// Whether everything was read, or what is new.
    pub everything: bool,
    pub(super) next: Marks,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = Array<Text>)]
    findings: Vec<String>,
}

impl Violation {
    fn of(invariant: &'static str, promise: &'static str, found: Found) -> Option<Self> {
        let Found { rows, findings } = found;
        (rows > 0).then_some(Self { invariant, promise, rows, findings })
    }

    /// Some of the findings, in one line.
    #[must_use]
    pub fn sample(&self) -> String {
        self.findings.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Each finding with its invariant; those beyond the sample as their number.
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        let listed = i64::try_from(self.findings.len()).unwrap_or(i64::MAX);
        let more =
            (self.rows > listed).then(|| format!("{}: {} in all", self.invariant, self.rows));
        let named = self.findings.iter().map(|finding| format!("{}: {finding}", self.invariant));
        named.chain(more)
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: not true that {}: {} row(s), such as {}",
            self.invariant,
            self.promise,
            self.rows,
            self.sample()
        )
    }
}

/// Every violated invariant, all judged in one snapshot of the database; empty when the books agree.
///
/// # Errors
/// The database's.
pub async fn check(db: &Db) -> Result<Vec<Violation>> {
    Ok(check_everything(db).await?.violations)
}

/// Reads all of the ledger, in one snapshot.
///
/// # Errors
/// The database's.
pub async fn check_everything(db: &Db) -> Result<Checked> {
    db.snapshot(async |conn| {
        let (marks, seen) = (Marks::read(conn).await?, Seen::read(conn).await?);
        let mut violations = Vec::new();
        for invariant in INVARIANTS {
            let found: Found = statement(invariant.sql).get_result(conn).await?;
            violations.extend(Violation::of(invariant.name, invariant.promise, found));
        }
        Ok(Checked { violations, everything: true, next: marks.after(seen) })
    })
    .await
}

/// Reads what no earlier check has seen, in one snapshot; see [`super::marks`].
///
/// # Errors
/// The database's.
pub async fn check_recent(db: &Db) -> Result<Checked> {
    db.snapshot(async |conn| {
        let seen = Seen::read(conn).await?;
        let marks = Marks::read(conn).await?.for_snapshot(seen);
        let mut violations = Vec::new();
        for (name, sql) in RECENT {
            let found = ask(conn, sql, marks).await?;
            violations.extend(Violation::of(name, promise(name, INVARIANTS), found));
        }
        Ok(Checked { violations, everything: false, next: marks.after(seen) })
    })
    .await
}

async fn ask(conn: &mut Conn, sql: &'static str, marks: Marks) -> Result<Found> {
    let found = statement(sql)
        .bind::<BigInt, _>(marks.entry_floor)
        .bind::<Text, _>(marks.horizon.to_string())
        .bind::<BigInt, _>(marks.journal_floor)
        .bind::<Timestamptz, _>(marks.since())
        .get_result(conn)
        .await?;
    Ok(found)
}
