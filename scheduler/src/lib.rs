//! Time in: turns ticks into job rows. Every replica ticks; a tick is a row with a primary key, so it fires once.

pub mod schedule;
mod ticker;

pub use ticker::{Ticker, run};
