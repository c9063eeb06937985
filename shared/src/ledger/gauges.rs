//! The ledger's figures.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{Numeric, Text};
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::invariants::{INVARIANTS, WALLET_INVARIANTS};
use super::report::found;
use crate::Conn;
use crate::error::Result;
use crate::statement::statement;
use crate::telemetry::metrics;

/// The sum of all balances is read this often: it reads every account.
const MEASURE_EVERY: Duration = Duration::from_secs(60);

static MEASURED: Mutex<Option<Instant>> = Mutex::new(None);

#[derive(QueryableByName)]
struct Imbalance {
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = Numeric)]
    amount: Decimal,
}

/// Sets the imbalance from the balances: running ones as they are, derived ones from their last snapshot and the
/// entries since. One statement sees one instant, so the sum is exact without reading the entries.
///
/// # Errors
/// The database's.
pub(crate) async fn measure(conn: &mut Conn) -> Result<()> {
    show(&found(conn).await?);
    if is_within(&MEASURED, MEASURE_EVERY) {
        return Ok(());
    }
    let sums: Vec<Imbalance> = statement(
        "SELECT currency, coalesce(sum(CASE WHEN running THEN balance ELSE ledger.balance_of(code) END), 0) AS amount
         FROM ledger.account GROUP BY currency",
    )
    .load(conn)
    .await?;
    for sum in sums {
        let tiyin = (sum.amount * Decimal::ONE_HUNDRED).to_i64().unwrap_or(i64::MAX);
        metrics::LEDGER_IMBALANCE.with_label_values(&[sum.currency.as_str()]).set(tiyin);
    }
    mark(&MEASURED);
    Ok(())
}

/// Shows what the checks found.
fn show(found: &BTreeMap<String, i64>) {
    let rows = |name: &str| found.get(name).copied().unwrap_or(0);
    for invariant in INVARIANTS {
        metrics::LEDGER_VIOLATIONS.with_label_values(&[invariant.name]).set(rows(invariant.name));
    }
    metrics::WALLET_MISMATCH.set(WALLET_INVARIANTS.iter().copied().map(rows).sum());
}

fn is_within(last: &Mutex<Option<Instant>>, limit: Duration) -> bool {
    last.lock().is_ok_and(|last| last.is_some_and(|at| at.elapsed() < limit))
}

fn mark(last: &Mutex<Option<Instant>>) {
    if let Ok(mut last) = last.lock() {
        *last = Some(Instant::now());
    }
}
