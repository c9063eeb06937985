//! Above a limit two members of staff must decide alike before money moves.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::model::Escrow;
use crate::audit::{self, Actor};
use crate::error::Result;
use crate::ids::{EscrowId, UserId};
use crate::schema::escrow_decisions;
use crate::{Conn, Money, Tx};

/// What the first member of staff decided, and nobody has confirmed yet.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct FirstDecision {
    /// Who decided.
    pub staff_id: UserId,
    /// What goes back to the buyer.
    pub refund: Money,
}

/// Whether a decision about a locked deal is carried out now: at once up to `limit`, above it when somebody else decided
/// the same before. Otherwise the decision is kept, and the money stays held.
pub(super) async fn is_agreed(
    tx: &mut Tx,
    limit: Money,
    staff: UserId,
    escrow: &Escrow,
) -> Result<bool> {
    if escrow.amount <= limit {
        return Ok(true);
    }
    let refund = escrow.buyer_refund;
    let first = first_decision(tx.conn(), escrow.id).await?;
    if first.is_some_and(|first| first.staff_id != staff && first.refund == refund) {
        return Ok(true);
    }
    let decided = (
        escrow_decisions::staff_id.eq(staff),
        escrow_decisions::refund.eq(refund),
        escrow_decisions::decided_at.eq(tx.now()),
    );
    diesel::insert_into(escrow_decisions::table)
        .values((escrow_decisions::escrow_id.eq(escrow.id), decided))
        .on_conflict(escrow_decisions::escrow_id)
        .do_update()
        .set(decided)
        .execute(tx.conn())
        .await?;
    let details = json!({ "refund": refund, "amount": escrow.amount });
    let actor = Actor::Staff(staff);
    audit::record(tx, actor, "escrow.propose", ("escrow", escrow.id.to_string()), details).await?;
    Ok(false)
}

/// The decision about a deal that waits for a second member of staff.
///
/// # Errors
/// The database's.
pub async fn first_decision(conn: &mut Conn, id: EscrowId) -> Result<Option<FirstDecision>> {
    let row = escrow_decisions::table
        .find(id)
        .select((escrow_decisions::staff_id, escrow_decisions::refund))
        .first(conn)
        .await
        .optional()?;
    Ok(row)
}
