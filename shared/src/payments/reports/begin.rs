//! Begins the comparisons of a night.

use chrono::Days;

use super::day::day_of;
use super::row::{Report, Source};
use crate::error::Result;
use crate::jobs::enqueue;
use crate::payments::jobs::{CompareClickReport, CompareMulticardReport};
use crate::{App, Outcome, Tx};

/// Begins the comparison of the past business day and of a few before it: what was told late, and what the night before
/// has mended, is seen then. One that a provider kept waiting goes on where it was.
///
/// # Errors
/// The database's.
pub(crate) async fn compare_reports(tx: &mut Tx, app: &App) -> Result<Outcome> {
    let today = day_of(tx.now());
    let days = u64::try_from(app.settings.reports.days).unwrap_or(1);
    for day in (1..=days).filter_map(|ago| today.checked_sub_days(Days::new(ago))) {
        Report::begin(tx, Source::Multicard, day).await?;
        enqueue(tx, &CompareMulticardReport { day }).await?;
        if app.click.is_some() {
            Report::begin(tx, Source::Click, day).await?;
            enqueue(tx, &CompareClickReport { day }).await?;
        }
    }
    Ok(Outcome::Done)
}
