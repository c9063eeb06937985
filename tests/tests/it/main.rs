//! The suite: one binary, one module per noun.

mod architecture;
mod faults;
mod jobs;
mod ledger;
mod schema;
