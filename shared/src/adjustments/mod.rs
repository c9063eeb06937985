//! Corrections of balances by staff: the only way to change what a person has without a deal or a provider.
//!
//! ```text
//!   small ──────────────────────────▶ approved (posted, in the same transaction)
//!   above ADJUSTMENT_REVIEW_ABOVE ──▶ proposed ── a second person ──▶ approved | rejected
//! ```
//!
//! In a person's history a correction is a movement like any other. The specification's types are fixed, so what they are
//! given is a `refund` (money that the platform returns) and what is taken a `commission` (money that the platform
//! keeps): both belong to no deal and no provider, and carry the correction's id. A `deposit` would claim a provider, a
//! `withdrawal` a payout, and both would break their invariants.

mod decide;
mod model;
mod propose;
mod queries;

pub use decide::{approve, reject};
pub use model::{Adjustment, AdjustmentStatus};
pub use propose::{Correction, propose};
pub use queries::{AdjustmentFilter, AdjustmentView, find, list};
