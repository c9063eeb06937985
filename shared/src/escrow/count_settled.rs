//! How often people sold and bought, for their profiles.

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;

use super::model::{EscrowStatus, lock_alone};
use crate::error::Result;
use crate::ids::EscrowId;
use crate::schema::escrows;
use crate::statement::statement;
use crate::{Outcome, Tx};

/// Counts a sold deal for both people, once. The counters are counted anew and not added to: whatever made them wrong,
/// the next deal mends it.
///
/// # Errors
/// The database's.
pub async fn count_settled(tx: &mut Tx, id: EscrowId) -> Result<Outcome> {
    let (escrow, status) = lock_alone(tx, id).await?;
    if status != EscrowStatus::Confirmed || escrow.counted_at.is_some() {
        return Ok(Outcome::AlreadyDone);
    }
    // Locked first and counted in a later statement: it sees every deal that was counted before.
    statement("SELECT 1 FROM users WHERE id IN ($1, $2) ORDER BY id FOR NO KEY UPDATE")
        .bind::<SqlUuid, _>(escrow.seller_id)
        .bind::<SqlUuid, _>(escrow.buyer_id)
        .execute(tx.conn())
        .await?;
    statement(
        "UPDATE users SET
             total_sales = (SELECT count(*) FROM escrows WHERE seller_id = users.id AND status = 'confirmed'),
             total_purchases = (SELECT count(*) FROM escrows WHERE buyer_id = users.id AND status = 'confirmed')
         WHERE id IN ($1, $2)",
    )
    .bind::<SqlUuid, _>(escrow.seller_id)
    .bind::<SqlUuid, _>(escrow.buyer_id)
    .execute(tx.conn())
    .await?;
    let now = tx.now();
    diesel::update(escrows::table.find(id))
        .set(escrows::counted_at.eq(now))
        .execute(tx.conn())
        .await?;
    Ok(Outcome::Done)
}
