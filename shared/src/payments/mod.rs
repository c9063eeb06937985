//! Money in and out as people see it: transactions, payment methods, and the providers' protocols.
//!
//! ```text
//!              provider begins          provider pays
//!   pending ────────────────▶ processing ────────────▶ completed
//!      │                          │
//!      └──── nobody came, 24 h ───┴── cancelled by the provider, or 12 h ──▶ cancelled
//! ```
//!
//! A completed deposit is final: when its provider takes the money back, that is a new `refund` transaction.
//! Locks are taken in one order: the deal that a deposit pays (listing, then escrow), the transaction, the provider's row.

pub mod cases;
mod credit;
mod deposit;
mod expire;
mod gauges;
pub mod jobs;
mod model;
pub mod providers;
mod queries;
mod receipt;
mod webhook_calls;

pub use deposit::{begin_deposit, payment_url};
pub use expire::{Swept, expire_deposits};
pub(crate) use gauges::measure;
pub use model::{BEGIN_WITHIN, PaymentMethod, Transaction, TransactionStatus, TransactionType};
pub use queries::{
    TransactionFilters, TransactionOrder, TransactionRow, active_methods, find_own, transactions_of,
};
pub use receipt::Receipt;
pub(crate) use receipt::mail_receipt;
