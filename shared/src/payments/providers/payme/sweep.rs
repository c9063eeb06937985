//! Created transactions whose twelve hours are over, and that Payme never asked about again.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::locked::Locked;
use super::row::{Payment, State};
use crate::Tx;
use crate::error::Result;
use crate::ids::TransactionId;
use crate::payments::Transaction;
use crate::schema::payme_transactions;

/// Cancels up to `limit` of them with their deposits. Returns how many it looked at; those that somebody is just
/// working on are left for the next sweep.
pub(in crate::payments) async fn expire_overdue(tx: &mut Tx, limit: i64) -> Result<usize> {
    let now_ms = tx.now().timestamp_millis();
    // Ids without locks: the lock order begins with the deposit.
    let overdue: Vec<(String, TransactionId)> = payme_transactions::table
        .select((payme_transactions::id, payme_transactions::transaction_id))
        .filter(payme_transactions::state.eq(State::Created))
        .filter(payme_transactions::expires_ms.lt(now_ms))
        .order(payme_transactions::expires_ms)
        .limit(limit)
        .load(tx.conn())
        .await?;
    for (id, deposit) in &overdue {
        let Some(deposit) = Transaction::lock_if_free(tx, *deposit).await? else { continue };
        let Some(payment) = Payment::lock(tx, id).await? else { continue };
        let mut locked = Locked { deposit, payment };
        if locked.payment.is_expired(now_ms) {
            locked.expire(tx).await?;
            tracing::info!(target: "payments", transaction = %locked.deposit.id, payme = id, "deposit expired at Payme");
        }
    }
    Ok(overdue.len())
}
