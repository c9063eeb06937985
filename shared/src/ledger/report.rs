//! Telling people about a check.

use super::check::Violation;
use super::gauges;

/// Shows a check's findings in the metrics and raises an error for each.
pub fn report(violations: &[Violation]) {
    gauges::show_check(violations);
    for found in violations {
        tracing::error!(target: "ledger", invariant = found.invariant, rows = found.rows, sample = found.sample, "the books do not agree: {}", found.promise);
    }
    if violations.is_empty() {
        tracing::info!(target: "ledger", "the books agree");
    }
}
