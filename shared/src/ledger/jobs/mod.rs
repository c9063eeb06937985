//! The kinds of job about the ledger.

mod ledger_check;

pub use ledger_check::{LedgerCheck, LedgerCheckFull};
