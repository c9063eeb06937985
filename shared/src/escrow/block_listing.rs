//! Staff block a listing that is in a deal.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::announce::announce;
use super::dispute::stop;
use super::model::{CloseReason, Escrow, EscrowStatus, Event};
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::UserId;
use crate::listings::Listing;
use crate::schema::escrows;
use crate::{Outcome, Tx};

/// What the parties read when staff gave no reason.
const NO_REASON: &str = "the listing was blocked";

/// What becomes of the open deal of a locked listing that staff block: paid, it is disputed and never undone silently;
/// unpaid, it ends, and money that still comes stays on the buyer's balance.
pub(crate) async fn listing_blocked(
    tx: &mut Tx,
    listing: &Listing,
    staff: UserId,
    reason: Option<&str>,
) -> Result<()> {
    let open = [
        EscrowStatus::PendingPayment,
        EscrowStatus::Paid,
        EscrowStatus::Delivered,
        EscrowStatus::Disputed,
    ];
    let deal: Option<Escrow> = Escrow::query()
        .filter(escrows::listing_id.eq(listing.id).and(escrows::status.eq_any(open)))
        .for_no_key_update()
        .first(tx.conn())
        .await
        .optional()?;
    let Some(mut escrow) = deal else { return Ok(()) };
    let (from, now, reason) = (escrow.status, tx.now(), reason.unwrap_or(NO_REASON));
    if from == EscrowStatus::PendingPayment {
        escrow.cancel(CloseReason::ListingBlocked, now);
        escrow.save(tx, Actor::Staff(staff), Event::Withdrawn, from, Some(reason)).await?;
        return announce(tx, &escrow, Event::Withdrawn).await;
    }
    match escrow.dispute_by_staff(staff, reason, now)? {
        Outcome::Done => stop(tx, &mut escrow, from, (staff, reason)).await,
        Outcome::AlreadyDone => Ok(()),
    }
}
