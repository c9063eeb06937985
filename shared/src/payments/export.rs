//! Transactions for a file: all that match, from one snapshot, a batch in memory at a time.

use super::history::{
    Scope, TransactionFilters, TransactionOrder, TransactionView, transactions_of,
};
use crate::Db;
use crate::db::Snapshot;
use crate::error::Result;
use crate::page::{After, Slice};

/// Rows per batch.
const BATCH: i64 = 500;

/// An export in progress. It holds a connection; dropped in the middle, it closes it.
pub struct Export {
    snapshot: Option<Snapshot>,
    scope: Scope,
    filters: TransactionFilters,
    after: Option<After>,
}

impl Export {
    /// Opens the snapshot.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when no connection is free.
    pub async fn open(db: &Db, scope: Scope, filters: TransactionFilters) -> Result<Self> {
        let snapshot = Some(db.open_snapshot().await?);
        Ok(Self { snapshot, scope, filters, after: None })
    }

    /// The next rows, the oldest first; none after the last.
    ///
    /// # Errors
    /// The database's.
    pub async fn next(&mut self) -> Result<Option<Vec<TransactionView>>> {
        let Some(snapshot) = &mut self.snapshot else { return Ok(None) };
        let slice = Slice::Feed { limit: BATCH, after: self.after.take() };
        let (scope, filters) = (self.scope, &self.filters);
        let order = TransactionOrder::Oldest;
        let part = transactions_of(snapshot.conn(), scope, filters, order, slice).await?;
        self.after = part.next;
        if self.after.is_none()
            && let Some(snapshot) = self.snapshot.take()
        {
            snapshot.close().await?;
        }
        Ok(Some(part.rows))
    }
}
