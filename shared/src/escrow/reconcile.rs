//! The timers' safety net: due deals without a job get one, so that even a lost job table costs only latency.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::jobs::{
    CountSettledDeal, ExpireUnpaidEscrow, HonourCancelWish, ReceiveSilentEscrow,
    RefundUndeliveredEscrow, ReleaseEscrowPayment,
};
use crate::Tx;
use crate::error::Result;
use crate::ids::EscrowId;
use crate::jobs::{Origin, Scanned, enqueue};
use crate::statement::statement;

/// The most deals one scan of one timer looks at; the rest waits for the next scan.
const SCAN_MAX: usize = 500;

/// One timer: what it is called, and which deals are due without a live job of it. A dead or cancelled job counts as
/// present (`stuck`): somebody must look at it, and another job would only die as well. Nothing is locked here: the
/// job takes the locks in their order and decides again.
struct Sweep {
    name: &'static str,
    due: &'static str,
    enqueue: Enqueue,
}

/// Which job a sweep records.
#[derive(Clone, Copy)]
enum Enqueue {
    Release,
    Expire,
    RefundUndelivered,
    ReceiveSilent,
    HonourWish,
    Count,
}

const SWEEPS: [Sweep; 6] = [
    Sweep {
        name: "escrow_release",
        due: "SELECT e.id, EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'escrow_release:' || e.id
                                   AND j.state IN ('dead', 'cancelled')) AS stuck
              FROM escrows e WHERE e.status = 'delivered' AND e.release_at <= app_now()
              AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'escrow_release:' || e.id
                              AND j.state IN ('pending', 'dispatched', 'running'))
              ORDER BY stuck, e.release_at LIMIT 500",
        enqueue: Enqueue::Release,
    },
    Sweep {
        name: "escrow_expire",
        due: "SELECT e.id, EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'escrow_expire:' || e.id
                                   AND j.state IN ('dead', 'cancelled')) AS stuck
              FROM escrows e WHERE e.status = 'pending_payment' AND e.pay_by <= app_now()
              AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'escrow_expire:' || e.id
                              AND j.state IN ('pending', 'dispatched', 'running'))
              ORDER BY stuck, e.pay_by LIMIT 500",
        enqueue: Enqueue::Expire,
    },
    Sweep {
        name: "escrow_refund",
        due: "SELECT e.id, EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'escrow_refund:' || e.id
                                   AND j.state IN ('dead', 'cancelled')) AS stuck
              FROM escrows e WHERE e.status = 'paid' AND e.handed_over_at IS NULL AND e.refund_after <= app_now()
              AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'escrow_refund:' || e.id
                              AND j.state IN ('pending', 'dispatched', 'running'))
              ORDER BY stuck, e.refund_after LIMIT 500",
        enqueue: Enqueue::RefundUndelivered,
    },
    Sweep {
        name: "escrow_receive",
        due: "SELECT e.id, EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'escrow_receive:' || e.id
                                   AND j.state IN ('dead', 'cancelled')) AS stuck
              FROM escrows e WHERE e.status = 'paid' AND e.receive_by <= app_now()
              AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'escrow_receive:' || e.id
                              AND j.state IN ('pending', 'dispatched', 'running'))
              ORDER BY stuck, e.receive_by LIMIT 500",
        enqueue: Enqueue::ReceiveSilent,
    },
    Sweep {
        name: "escrow_wish",
        due: "SELECT e.id, EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'escrow_wish:' || e.id
                                   AND j.state IN ('dead', 'cancelled')) AS stuck
              FROM escrows e WHERE e.status = 'paid' AND e.cancel_asked_at IS NOT NULL AND e.handed_over_at IS NULL
              AND e.deliver_by <= app_now()
              AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'escrow_wish:' || e.id
                              AND j.state IN ('pending', 'dispatched', 'running'))
              ORDER BY stuck, e.deliver_by LIMIT 500",
        enqueue: Enqueue::HonourWish,
    },
    Sweep {
        name: "escrow_count",
        due: "SELECT e.id, EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'escrow_count:' || e.id
                                   AND j.state IN ('dead', 'cancelled')) AS stuck
              FROM escrows e WHERE e.status = 'confirmed' AND e.counted_at IS NULL AND e.closed_at <= app_now()
              AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'escrow_count:' || e.id
                              AND j.state IN ('pending', 'dispatched', 'running'))
              ORDER BY stuck, e.closed_at LIMIT 500",
        enqueue: Enqueue::Count,
    },
];

/// The names of the sweeps.
pub(crate) fn sweeps() -> impl Iterator<Item = &'static str> {
    SWEEPS.iter().map(|sweep| sweep.name)
}

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = SqlUuid)]
    id: EscrowId,
    #[diesel(sql_type = Bool)]
    stuck: bool,
}

/// Gives every due deal without a job its job.
///
/// # Errors
/// The database's.
pub async fn reconcile(tx: &mut Tx) -> Result<()> {
    tx.caused_by(Origin::Reconciler);
    for sweep in &SWEEPS {
        let due: Vec<Due> = statement(sweep.due).load(tx.conn()).await?;
        let mut scanned = Scanned::new(sweep.name, SCAN_MAX);
        for row in &due {
            scanned.saw(row.id, row.stuck);
            if !row.stuck {
                sweep.enqueue.enqueue(tx, row.id).await?;
            }
        }
        scanned.report();
    }
    Ok(())
}

impl Enqueue {
    async fn enqueue(self, tx: &mut Tx, escrow_id: EscrowId) -> Result<()> {
        match self {
            Self::Release => enqueue(tx, &ReleaseEscrowPayment { escrow_id }).await,
            Self::Expire => enqueue(tx, &ExpireUnpaidEscrow { escrow_id }).await,
            Self::RefundUndelivered => enqueue(tx, &RefundUndeliveredEscrow { escrow_id }).await,
            Self::ReceiveSilent => enqueue(tx, &ReceiveSilentEscrow { escrow_id }).await,
            Self::HonourWish => enqueue(tx, &HonourCancelWish { escrow_id }).await,
            Self::Count => enqueue(tx, &CountSettledDeal { escrow_id }).await,
        }?;
        Ok(())
    }
}
