//! Whether the books agree: with themselves, with the deals and with the transactions.

use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;

use super::invariants::{INVARIANTS, Invariant};
use crate::error::Result;
use crate::statement::statement;
use crate::{Conn, Db};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: &'static str,
    /// What it promises.
    pub promise: &'static str,
    /// How many rows break it.
    pub rows: i64,
    /// Some of them.
    pub sample: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: not true that {}: {} row(s), such as {}",
            self.invariant, self.promise, self.rows, self.sample
        )
    }
}

/// Every violated invariant, all judged in one snapshot of the database; empty when the books agree.
///
/// # Errors
/// The database's.
pub async fn check(db: &Db) -> Result<Vec<Violation>> {
    db.snapshot(async |conn| {
        let mut violations = Vec::new();
        for invariant in INVARIANTS {
            violations.extend(violation_of(conn, invariant).await?);
        }
        Ok(violations)
    })
    .await
}

async fn violation_of(conn: &mut Conn, invariant: &'static Invariant) -> Result<Option<Violation>> {
    #[derive(diesel::QueryableByName)]
    struct Found {
        #[diesel(sql_type = BigInt)]
        rows: i64,
        #[diesel(sql_type = Nullable<Text>)]
        sample: Option<String>,
    }
    let found: Found = statement(invariant.sql).get_result(conn).await?;
    Ok((found.rows > 0).then(|| Violation {
        invariant: invariant.name,
        promise: invariant.promise,
        rows: found.rows,
        sample: found.sample.unwrap_or_default(),
    }))
}
