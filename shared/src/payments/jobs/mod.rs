//! The kinds of job about payments.

mod expire_deposits;

pub use expire_deposits::ExpireDeposits;
