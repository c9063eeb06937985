//! Reading balances.

use diesel::prelude::*;
use diesel::sql_types::{Numeric, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::error::Result;
use crate::ids::UserId;
use crate::statement::statement;
use crate::{Conn, Money, Tx};

/// A person's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Balance {
    /// What can be spent.
    #[diesel(sql_type = Numeric)]
    pub available: Money,
    /// What is held: promised to payouts, and paid into deals that are still open.
    #[diesel(sql_type = Numeric)]
    pub held: Money,
}

/// A person's money, now.
///
/// # Errors
/// The database's.
pub async fn balance_of_user(conn: &mut Conn, user: UserId) -> Result<Balance> {
    let balance = statement(
        "SELECT coalesce((SELECT balance FROM ledger.account WHERE kind = 'user_available' AND owner_id = $1), 0) AS available,
                coalesce((SELECT balance FROM ledger.account WHERE kind = 'user_withdrawal_hold' AND owner_id = $1), 0)
                + coalesce((SELECT sum(amount) FROM escrows WHERE buyer_id = $1 AND status IN ('paid', 'delivered', 'disputed')), 0) AS held",
    )
    .bind::<SqlUuid, _>(user.0)
    .get_result(conn)
    .await?;
    Ok(balance)
}

/// Takes a snapshot of the accounts that have no running balance, so that reading them stays cheap.
///
/// # Errors
/// The database's.
pub async fn roll_up(tx: &mut Tx) -> Result<()> {
    statement("SELECT ledger.roll_up()").execute(tx.conn()).await?;
    Ok(())
}
