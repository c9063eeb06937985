//! What the letters about a withdrawal tell.

use super::model::Withdrawal;
use crate::Conn;
use crate::error::Result;
use crate::ids::TransactionId;

/// A withdrawal as its owner reads of it.
pub(crate) struct Paid {
    /// `860053••••8829`.
    pub(crate) card: String,
    /// Why staff refused it.
    pub(crate) reason: Option<String>,
}

impl Paid {
    /// Reads it; none when there is no such withdrawal.
    pub(crate) async fn find(conn: &mut Conn, id: TransactionId) -> Result<Option<Self>> {
        let row = Withdrawal::find(conn, id).await?;
        Ok(row.map(|row| Self { card: row.card_masked, reason: row.reject_reason }))
    }
}
