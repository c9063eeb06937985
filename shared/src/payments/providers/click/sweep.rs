//! Prepared payments that Click never came back to.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::complete::release;
use super::row::{Payment, State};
use crate::Tx;
use crate::error::Result;
use crate::ids::TransactionId;
use crate::payments::Transaction;
use crate::schema::click_payments;

/// Click publishes no limit; the study asks for a day at least. Who pays later is credited all the same.
const COMPLETE_WITHIN: TimeDelta = TimeDelta::hours(24);

/// Cancels up to `limit` of them, and the deposits that nobody is about to pay any more. Returns how many it looked at;
/// those that somebody is just working on are left for the next sweep.
pub(in crate::payments) async fn expire_overdue(tx: &mut Tx, limit: i64) -> Result<usize> {
    let before = tx.now() - COMPLETE_WITHIN;
    // Ids without locks: the lock order begins with the deposit.
    let overdue: Vec<(i64, TransactionId)> = click_payments::table
        .select((click_payments::prepare_id, click_payments::transaction_id))
        .filter(click_payments::state.eq(State::Prepared))
        .filter(click_payments::prepared_at.lt(before))
        .order(click_payments::prepared_at)
        .limit(limit)
        .load(tx.conn())
        .await?;
    for (prepare_id, deposit) in &overdue {
        let Some(mut deposit) = Transaction::lock_if_free(tx, *deposit).await? else { continue };
        let mut payment = Payment::lock(tx, *prepare_id).await?;
        if payment.state != State::Prepared {
            continue;
        }
        payment.cancel(None, tx.now());
        payment.save(tx).await?;
        if release(tx, &mut deposit, "expired at Click").await? {
            tracing::info!(target: "payments", transaction = %deposit.id, prepare_id, "deposit expired at Click");
        }
    }
    Ok(overdue.len())
}
