//! Subscriptions: what a person pays for, and the commission it buys.
//!
//! A subscription counts until its `end_date`, whatever a nightly sweep has or has not written into its status:
//! the commission of a deal must not depend on when a job ran.

mod current_plan;

pub use current_plan::{Plan, current_plan};
