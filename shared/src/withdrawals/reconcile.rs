//! The safety net of payouts: a withdrawal that may leave, or is unanswered, and has no job gets one.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::jobs::ProcessWithdrawal;
use crate::Tx;
use crate::error::Result;
use crate::ids::TransactionId;
use crate::jobs::{Scanned, enqueue};
use crate::statement::statement;

/// The sweep's name.
pub(crate) const SWEEP: &str = "withdrawal_process";
/// The most withdrawals one scan looks at; the rest waits for the next one.
const SCAN_MAX: usize = 500;

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = SqlUuid)]
    id: TransactionId,
    #[diesel(sql_type = Bool)]
    stuck: bool,
}

/// Gives every due withdrawal its job. A dead or cancelled job counts as present: somebody must look at it.
///
/// # Errors
/// The database's.
pub(crate) async fn reconcile(tx: &mut Tx) -> Result<()> {
    let due: Vec<Due> = statement(
        "SELECT w.transaction_id AS id,
                EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'process_withdrawal:' || w.transaction_id
                        AND j.state IN ('dead', 'cancelled')) AS stuck
         FROM withdrawals w JOIN transactions t ON t.id = w.transaction_id
         WHERE w.settled_at IS NULL AND w.not_before <= app_now()
           AND (t.status = 'processing'
                OR t.status = 'pending' AND w.approvals_needed <= num_nonnulls(w.approved_by, w.second_approved_by))
           AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'process_withdrawal:' || w.transaction_id
                           AND j.state IN ('pending', 'dispatched', 'running'))
         ORDER BY stuck, w.not_before LIMIT 500",
    )
    .load(tx.conn())
    .await?;
    let mut scanned = Scanned::new(SWEEP, SCAN_MAX);
    for Due { id, stuck } in due {
        scanned.saw(id, stuck);
        if !stuck {
            enqueue(tx, &ProcessWithdrawal { transaction_id: id }).await?;
        }
    }
    scanned.report();
    Ok(())
}
