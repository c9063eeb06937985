//! The books at the end.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use crate::teller::{Platform, Result};

/// Prints every posting of a deal.
pub async fn print(platform: &Platform, deal: &str) -> Result<()> {
    #[derive(QueryableByName)]
    struct Leg {
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Text)]
        account: String,
        #[diesel(sql_type = Text)]
        amount: String,
    }
    let legs: Vec<Leg> = diesel::sql_query(
        "SELECT j.kind, a.code AS account, to_char(e.amount, 'S999G999G990D00') AS amount
         FROM ledger.journal j JOIN ledger.entry e ON e.journal_id = j.id JOIN ledger.account a ON a.id = e.account_id
         WHERE j.ref IN ('escrow_fund:' || $1, 'escrow_settle:' || $1) ORDER BY j.id, e.amount",
    )
    .bind::<Text, _>(deal)
    .load(&mut platform.database().await?)
    .await
    .map_err(|error| error.to_string())?;
    for leg in &legs {
        println!("        {:<16} {:<58} {:>16}", leg.kind, leg.account, leg.amount);
    }
    if legs.len() == 5 {
        Ok(())
    } else {
        Err(format!("the deal has {} ledger entries instead of 5", legs.len()))
    }
}

/// Conservation, and no account that differs from its entries.
pub async fn check(platform: &Platform) -> Result<()> {
    let imbalance = platform
        .number("SELECT (coalesce(sum(amount), 0) * 100)::bigint AS n FROM ledger.entry")
        .await?;
    let drift = platform
        .number(
            "SELECT count(*) AS n FROM (SELECT a.id FROM ledger.account a LEFT JOIN ledger.entry e ON e.account_id = a.id
             WHERE a.running GROUP BY a.id HAVING a.balance <> coalesce(sum(e.amount), 0)) AS drift",
        )
        .await?;
    if imbalance == 0 && drift == 0 {
        println!("        all entries sum to 0.00; every balance is the sum of its entries");
        Ok(())
    } else {
        Err(format!("the ledger is off: imbalance {imbalance} tiyin, {drift} accounts differ"))
    }
}
