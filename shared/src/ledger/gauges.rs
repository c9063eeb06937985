//! The ledger's figures.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{Numeric, Text};
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::check::Violation;
use super::invariants::{INVARIANTS, WALLET_INVARIANTS};
use crate::Conn;
use crate::error::Result;
use crate::statement::statement;
use crate::telemetry::metrics;

/// The sum of all balances is read this often: it reads every account.
const MEASURE_EVERY: Duration = Duration::from_secs(60);

/// A process shows what its last check found for this long. The next check may run in another process, and
/// dashboards take the maximum.
const FINDINGS_LAST: Duration = Duration::from_secs(900);

static MEASURED: Mutex<Option<Instant>> = Mutex::new(None);
static CHECKED: Mutex<Option<Instant>> = Mutex::new(None);

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
    if !is_within(&CHECKED, FINDINGS_LAST) {
        show(&[]);
    }
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

/// Shows what a check found.
pub(super) fn show_check(violations: &[Violation]) {
    show(violations);
    mark(&CHECKED);
}

fn show(violations: &[Violation]) {
    let rows = |name: &str| {
        violations
            .iter()
            .filter(|found| found.invariant == name)
            .map(|found| found.rows)
            .sum::<i64>()
    };
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
