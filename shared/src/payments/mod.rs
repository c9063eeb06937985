//! Money in and out as people see it: transactions, payment methods, and the providers' protocols.
//!
//! ```text
//!              provider begins          provider pays
//!   pending ────────────────▶ processing ────────────▶ completed
//!      │                          │
//!      └──── nobody came, 24 h ───┴── cancelled by the provider, or 12 h ──▶ cancelled
//! ```
//!
//! Withdrawals are transactions too; their noun is `withdrawals`.
//!
//! A completed deposit is final: when its provider takes the money back, that is a new `refund` transaction.
//! Locks are taken in one order: the deal that a deposit pays (listing, then escrow), the transaction, the provider's row.

pub mod cases;
mod credit;
mod deposit;
mod expire;
mod export;
mod gauges;
mod history;
pub mod jobs;
mod methods;
mod model;
pub mod providers;
mod queries;
mod receipt;
mod reconcile;
mod reports;
mod return_deposit;
mod webhook_calls;

pub use deposit::{begin_deposit, payment_url};
pub use expire::{Swept, expire_deposits};
pub use export::Export;
pub(crate) use gauges::measure;
pub use history::{
    Scope, TransactionFilters, TransactionOrder, TransactionRow, TransactionView, find_any,
    find_own, find_view, transactions_of,
};
pub use methods::{ManagedMethod, MethodChange, all_methods, change_method};
pub use model::{BEGIN_WITHIN, PaymentMethod, Transaction, TransactionStatus, TransactionType};
pub use queries::active_methods;
pub use receipt::Receipt;
pub(crate) use receipt::mail_receipt;
pub(crate) use reconcile::{SWEEP, reconcile};
pub(crate) use reports::{compare_reports, show_zeros};
pub use return_deposit::return_deposit;
