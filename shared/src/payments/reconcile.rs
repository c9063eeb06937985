//! The safety net of deposits by card: one that has been open for too long without a job gets one.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::jobs::ProcessDeposit;
use crate::Tx;
use crate::error::Result;
use crate::ids::TransactionId;
use crate::jobs::{Scanned, enqueue};
use crate::statement::statement;

/// The sweep's name.
pub(crate) const SWEEP: &str = "deposit_process";
/// The most deposits one scan looks at; the rest waits for the next one.
const SCAN_MAX: usize = 500;

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = SqlUuid)]
    id: TransactionId,
    #[diesel(sql_type = Bool)]
    stuck: bool,
}

/// Gives every deposit by card its job that was told of and is not decided, or whose day is over. A dead or cancelled
/// job counts as present: somebody must look at it.
///
/// # Errors
/// The database's.
pub(crate) async fn reconcile(tx: &mut Tx) -> Result<()> {
    let due: Vec<Due> = statement(
        "SELECT t.id, EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'process_deposit:' || t.id
                              AND j.state IN ('dead', 'cancelled')) AS stuck
         FROM transactions t JOIN multicard_invoices i ON i.transaction_id = t.id
         WHERE t.type = 'deposit'
           AND (t.status = 'processing' AND t.updated_at <= app_now() - interval '2 minutes'
                OR t.status = 'pending' AND t.created_at <= app_now() - interval '24 hours 5 minutes')
           AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'process_deposit:' || t.id
                           AND j.state IN ('pending', 'dispatched', 'running'))
         ORDER BY stuck, t.created_at LIMIT 500",
    )
    .load(tx.conn())
    .await?;
    let mut scanned = Scanned::new(SWEEP, SCAN_MAX);
    for Due { id, stuck } in due {
        scanned.saw(id, stuck);
        if !stuck {
            enqueue(tx, &ProcessDeposit { transaction_id: id, after_credit: false }).await?;
        }
    }
    scanned.report();
    Ok(())
}
