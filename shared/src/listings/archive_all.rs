//! A seller leaves: whatever they offer leaves the market.

use diesel::sql_types::{Text as SqlText, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::Tx;
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::UserId;
use crate::statement::statement;

/// Archives what a seller offers, wants to offer or was refused; what is in a deal, sold or blocked stays. Returns how many
/// there were. Locks them by id, before anything else of the seller is locked.
///
/// # Errors
/// The database's.
pub(crate) async fn archive_all(tx: &mut Tx, seller: UserId) -> Result<usize> {
    statement(
        "SELECT id FROM listings
         WHERE seller_id = $1 AND status IN ('pending', 'active', 'rejected') AND deleted_at IS NULL
         ORDER BY id FOR NO KEY UPDATE",
    )
    .bind::<SqlUuid, _>(seller)
    .execute(tx.conn())
    .await?;
    let archived = statement(
        "WITH offered AS MATERIALIZED (
             SELECT id, status FROM listings
             WHERE seller_id = $1 AND status IN ('pending', 'active', 'rejected') AND deleted_at IS NULL),
         archived AS (
             UPDATE listings l SET status = 'archived', version = version + 1, updated_at = app_now()
             FROM offered o WHERE l.id = o.id RETURNING l.id, o.status AS from_status)
         INSERT INTO listing_status_history (listing_id, actor, from_status, to_status, reason)
         SELECT id, $2, from_status, 'archived', 'account closed' FROM archived",
    )
    .bind::<SqlUuid, _>(seller)
    .bind::<SqlText, _>(Actor::User(seller).to_string())
    .execute(tx.conn())
    .await?;
    Ok(archived)
}
