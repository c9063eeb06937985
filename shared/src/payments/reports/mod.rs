//! The nightly comparison with what providers report, payment by payment, for past business days of Tashkent.
//!
//! ```text
//!   both agree ───────────────▶ counted; a case about it that is open is closed
//!   paid there, not here ─────▶ the job that asks and credits, or gives back, as for a lost callback;
//!                               a case, when the comparison before has not helped
//!   anything else that differs ▶ a case of kind `disagreement`, once
//! ```
//!
//! Click is asked about each deposit of the day; Multicard's history is read page by page, and then asked about what it
//! did not list. Payme and Paynet have no report that we could pull: they compare by `GetStatement`, which is their call.
//! A provider that does not answer is asked again later, and no case comes of it.

mod batch;
mod begin;
mod day;
mod judge;
mod measure;
mod row;

use std::time::Duration;

pub(super) use batch::{About, Batch, fact};
pub(crate) use begin::compare_reports;
pub(super) use day::{bounds, day_of};
pub(super) use judge::{Discrepancy, Ours, Theirs, Verdict, judge};
pub(super) use measure::measure;
pub(crate) use measure::show_zeros;
pub(super) use row::{Report, Source};

/// A batch of a comparison is followed by another after this long.
pub(super) const BETWEEN_BATCHES: Duration = Duration::from_secs(1);
