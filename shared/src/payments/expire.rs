//! Deposits that nobody will pay any more.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::{BEGIN_WITHIN, Transaction, TransactionStatus, TransactionType};
use super::providers::{click, payme};
use crate::Tx;
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::TransactionId;
use crate::schema::{multicard_invoices, transactions};

/// Rows of one kind per run: the locks of a run are held together.
const SWEEP_BATCH_MAX: i64 = 100;

/// Whether a sweep saw everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    /// Nothing overdue is left, except what somebody is just working on.
    All,
    /// The batch was full: run again.
    More,
}

/// Cancels deposits whose time at the provider is over, and deposits that never reached it; one that has a page of
/// Multicard's is asked about first, by a job of its own. Safe to repeat and to run
/// beside the providers' calls: what is decided under the lock counts, not what was found without it.
///
/// # Errors
/// The database's.
pub async fn expire_deposits(tx: &mut Tx) -> Result<Swept> {
    let overdue = payme::expire_overdue(tx, SWEEP_BATCH_MAX).await?;
    let prepared = click::expire_overdue(tx, SWEEP_BATCH_MAX).await?;
    let abandoned = cancel_abandoned(tx, SWEEP_BATCH_MAX).await?;
    let full = |found: usize| i64::try_from(found).is_ok_and(|found| found >= SWEEP_BATCH_MAX);
    Ok(if full(overdue) || full(prepared) || full(abandoned) { Swept::More } else { Swept::All })
}

async fn cancel_abandoned(tx: &mut Tx, limit: i64) -> Result<usize> {
    let found: Vec<TransactionId> = transactions::table
        .select(transactions::id)
        .filter(
            transactions::kind
                .eq(TransactionType::Deposit)
                .and(transactions::status.eq(TransactionStatus::Pending)),
        )
        .filter(transactions::created_at.lt(tx.now() - BEGIN_WITHIN))
        .filter(not(exists(
            multicard_invoices::table
                .filter(multicard_invoices::transaction_id.eq(transactions::id)),
        )))
        .order(transactions::created_at)
        .limit(limit)
        .load(tx.conn())
        .await?;
    for id in &found {
        let Some(mut deposit) = Transaction::lock_if_free(tx, *id).await? else { continue };
        if deposit.is_abandoned(tx.now()) {
            let _outcome = deposit.cancel("nobody came to pay", tx.now())?;
            deposit.save(tx).await?;
            deposit.tell(tx, Actor::System, "deposit.cancel").await?;
        }
    }
    Ok(found.len())
}
