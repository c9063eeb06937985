//! The ledger as text, for the demo, tests and support.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Numeric, Text};
use diesel_async::RunQueryDsl;

use super::Account;
use crate::error::Result;
use crate::ids::{EscrowId, UserId};
use crate::{Conn, Money};

/// Whose entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Everything that was posted for a deal, on all sides.
    Deal(EscrowId),
    /// What a person got and gave, on their side only.
    User(UserId),
}

/// The entries in the order they were posted, one a line: `user:0193…:available -100.00`.
///
/// # Errors
/// The database's.
pub async fn statement(conn: &mut Conn, subject: Subject) -> Result<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        code: String,
        #[diesel(sql_type = Numeric)]
        amount: Money,
    }
    let (account, all_sides) = match subject {
        Subject::Deal(deal) => (Account::Escrow(deal), true),
        Subject::User(user) => (Account::Available(user), false),
    };
    let lines: Vec<Line> = diesel::sql_query(
        "SELECT a.code, e.amount
         FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id
         WHERE e.journal_id IN (SELECT own.journal_id FROM ledger.entry own
                                JOIN ledger.account mine ON mine.id = own.account_id WHERE mine.code = $1)
           AND ($2 OR a.owner_id = (SELECT owner_id FROM ledger.account WHERE code = $1))
         ORDER BY e.journal_id, a.id",
    )
    .bind::<Text, _>(account.code())
    .bind::<Bool, _>(all_sides)
    .load(conn)
    .await?;
    let texts: Vec<String> =
        lines.iter().map(|line| format!("{} {}", line.code, signed(line.amount))).collect();
    Ok(texts.join("\n"))
}

fn signed(amount: Money) -> String {
    if amount.is_positive() { format!("+{amount}") } else { amount.to_string() }
}

#[cfg(test)]
mod tests {
    use super::signed;
    use crate::Money;

    #[test]
    fn a_credit_has_its_sign_too() {
        assert_eq!(signed(Money::from_soum(100)), "+100.00");
        assert_eq!(signed(-Money::from_soum(100)), "-100.00");
    }
}
