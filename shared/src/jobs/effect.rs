//! Permanent business keys for effects that have no table of their own to be unique in.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::error::Result;
use crate::schema::effects;
use crate::{Outcome, Tx};

/// Claims an effect for this transaction: `AlreadyDone` when any earlier transaction had it.
///
/// # Errors
/// The database's.
pub async fn claim_effect(tx: &mut Tx, key: &str) -> Result<Outcome> {
    let inserted = diesel::insert_into(effects::table)
        .values(effects::effect_key.eq(key))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok(if inserted == 1 { Outcome::Done } else { Outcome::AlreadyDone })
}
