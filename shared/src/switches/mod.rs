//! What stops money from leaving: payouts to cards, and what deals pay to their sellers. Deposits and refunds go on.
//!
//! The ledger's check switches both off when it finds a violation; superusers switch either by hand, and both on again.
//! A switch is read, not locked: what had passed it when it went off is done within seconds, nothing after it is.

mod gauges;
mod model;
mod trip;
mod turn;

pub(crate) use gauges::measure;
pub use model::{Switch, SwitchRow, all, ensure_on};
pub(crate) use trip::trip;
pub use turn::{switch_off, switch_on};
