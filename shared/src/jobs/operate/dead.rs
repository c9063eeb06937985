//! The dead letter of a kind, worked through in bounded batches.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Timestamptz};

use super::Operator;
use crate::error::{Code, Result};
use crate::ids::JobId;
use crate::{Db, Tx};

/// How many dead jobs one transaction changes.
const BATCH: i64 = 500;
/// How often a batch that collided with a new job is tried again.
const TRIES: usize = 3;

/// Which dead jobs.
#[derive(Clone, Debug)]
pub struct Dead {
    /// Of this kind.
    pub kind: String,
    /// That died before this moment (business time).
    pub died_before: Option<DateTime<Utc>>,
    /// At most so many, the longest dead first.
    pub limit: i64,
}

/// What became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Mass {
    /// Jobs that were changed.
    pub changed: i64,
    /// Jobs that stay dead: another job of their business key is live.
    pub skipped: i64,
    /// Whether there may be more: the limit was reached.
    pub more: bool,
}

/// One dead job that was looked at.
#[derive(Debug, QueryableByName)]
pub(super) struct Looked {
    #[diesel(sql_type = BigInt)]
    pub(super) id: JobId,
    #[diesel(sql_type = Timestamptz)]
    pub(super) finished_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    pub(super) changed: bool,
}

/// The next dead jobs: after the last one that was looked at, and before a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice<'a> {
    pub(super) kind: &'a str,
    pub(super) died_before: DateTime<Utc>,
    pub(super) after: (DateTime<Utc>, JobId),
    pub(super) limit: i64,
}

/// Something that is done to a slice of the dead.
pub(super) trait Treatment: Sync {
    /// Its name in the audit log.
    const ACTION: &'static str;

    /// Does it, in the transaction of the batch.
    fn treat(
        &self,
        tx: &mut Tx,
        by: &Operator,
        slice: Slice<'_>,
    ) -> impl Future<Output = Result<Vec<Looked>>> + Send;
}

/// Treats the dead of a kind, each batch in a transaction of its own with its line in the audit log: what is done stays
/// done when the rest fails.
pub(super) async fn in_batches<T: Treatment>(
    db: &Db,
    by: &Operator,
    dead: &Dead,
    treatment: &T,
) -> Result<Mass> {
    let mut left = dead.limit;
    let mut after = (DateTime::UNIX_EPOCH, 0);
    let mut mass = Mass::default();
    while left > 0 {
        let limit = left.min(BATCH);
        let looked = batch(db, by, dead, treatment, (after, limit)).await?;
        let Some(last) = looked.last() else { return Ok(mass) };
        after = (last.finished_at, last.id);
        let changed = count(looked.iter().filter(|job| job.changed).count());
        let all = count(looked.len());
        mass.changed += changed;
        mass.skipped += all - changed;
        if all < limit {
            return Ok(mass);
        }
        left -= all;
    }
    mass.more = true;
    Ok(mass)
}

async fn batch<T: Treatment>(
    db: &Db,
    by: &Operator,
    dead: &Dead,
    treatment: &T,
    from: ((DateTime<Utc>, JobId), i64),
) -> Result<Vec<Looked>> {
    let (after, limit) = from;
    let once = async || {
        db.transaction(async |tx| {
            let died_before = dead.died_before.unwrap_or_else(|| tx.now());
            let slice = Slice { kind: &dead.kind, died_before, after, limit };
            let looked = treatment.treat(tx, by, slice).await?;
            let changed: Vec<JobId> =
                looked.iter().filter(|job| job.changed).map(|job| job.id).collect();
            if !changed.is_empty() {
                let details = serde_json::json!({ "changed": changed.len(), "jobs": changed });
                by.record(tx, T::ACTION, ("job_kind", dead.kind.clone()), details).await?;
                tx.ring();
            }
            Ok(looked)
        })
        .await
    };
    let mut tries = 1;
    loop {
        match once().await {
            Err(error) if error.code() == Code::Busy && tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

fn count(things: usize) -> i64 {
    i64::try_from(things).unwrap_or(i64::MAX)
}
