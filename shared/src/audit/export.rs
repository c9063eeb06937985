//! The audit log for a file: all lines that match, from one snapshot, a batch in memory at a time.

use super::list::{AuditFilter, AuditOrder, AuditView, list};
use crate::Db;
use crate::db::Snapshot;
use crate::error::Result;
use crate::page::{After, Slice};

/// Lines per batch.
const BATCH: i64 = 500;

/// An export in progress. It holds a connection; dropped in the middle, it closes it.
pub struct Export {
    snapshot: Option<Snapshot>,
    filter: AuditFilter,
    after: Option<After>,
}

impl Export {
    /// Opens the snapshot.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when no connection is free.
    pub async fn open(db: &Db, filter: AuditFilter) -> Result<Self> {
        Ok(Self { snapshot: Some(db.open_snapshot().await?), filter, after: None })
    }

    /// The next lines, the oldest first; none after the last.
    ///
    /// # Errors
    /// The database's.
    pub async fn next(&mut self) -> Result<Option<Vec<AuditView>>> {
        let Some(snapshot) = &mut self.snapshot else { return Ok(None) };
        let slice = Slice::Feed { limit: BATCH, after: self.after.take() };
        let part = list(snapshot.conn(), &self.filter, AuditOrder::Oldest, slice).await?;
        self.after = part.next;
        if self.after.is_none()
            && let Some(snapshot) = self.snapshot.take()
        {
            snapshot.close().await?;
        }
        Ok(Some(part.rows))
    }
}
