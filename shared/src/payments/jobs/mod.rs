//! The kinds of job about payments.

mod expire_deposits;
mod send_transaction_email;

pub use expire_deposits::ExpireDeposits;
pub use send_transaction_email::SendTransactionEmail;
