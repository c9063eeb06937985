//! A month after the end nobody needs the card's number any more, and when its owner is erased nobody their name.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::Tx;
use crate::error::Result;
use crate::ids::UserId;
use crate::jobs::ago;
use crate::schema::withdrawals;
use crate::statement::statement;

/// Numbers wiped by one run.
const BATCH: i64 = 1_000;

/// Whether a run wiped everything that was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiped {
    /// Nothing is left.
    All,
    /// The batch was full: run again.
    More,
}

/// Wipes the numbers of withdrawals that ended before so long; the masked form and the print stay.
///
/// # Errors
/// The database's.
pub async fn wipe_card_numbers(tx: &mut Tx, keep: Duration) -> Result<Wiped> {
    let before = ago(tx.now(), keep);
    let wiped = statement(
        "UPDATE withdrawals SET card_number = NULL, data_key = NULL, wiped_at = app_now(), updated_at = app_now()
         WHERE transaction_id IN (SELECT transaction_id FROM withdrawals
                                  WHERE wiped_at IS NULL AND settled_at <= $1
                                  ORDER BY settled_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(BATCH)
    .execute(tx.conn())
    .await?;
    if wiped > 0 {
        tracing::info!(target: "payments", wiped, "card numbers wiped");
    }
    let full = i64::try_from(wiped).is_ok_and(|wiped| wiped >= BATCH);
    Ok(if full { Wiped::More } else { Wiped::All })
}

/// Blanks the name on the cards of a person who is erased; nothing of theirs is on its way any more.
///
/// # Errors
/// The database's.
pub(crate) async fn forget_card_holder(tx: &mut Tx, user: UserId) -> Result<()> {
    diesel::update(withdrawals::table.filter(withdrawals::user_id.eq(user)))
        .set((withdrawals::card_holder_name.eq(""), withdrawals::updated_at.eq(tx.now())))
        .execute(tx.conn())
        .await?;
    Ok(())
}
