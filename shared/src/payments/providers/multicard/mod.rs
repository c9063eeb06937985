//! Uzcard and Humo through Multicard: an invoice with a page of Multicard's, its callbacks, and the questions that find
//! out what became of a payment. The same API pays withdrawals to cards.
//!
//! ```text
//!   deposit pending ──invoice──▶ page ──payer pays──▶ callback ──confirmed by GET /payment──▶ completed
//!                                  │                     └─ not confirmed: 503, and process_deposit asks on
//!                                  └── nobody pays, 24 h: the invoice is taken back, then the deposit is cancelled
//! ```
//!
//! No card's number ever passes through here but on its way to `credit`; what Multicard writes beside its codes is not
//! kept.

pub mod callback;
mod calls;
mod checkout;
mod client;
mod failure;
mod give_back;
mod model;
mod question;
mod report;
mod revert;
mod row;
mod sign;
mod standing;

use super::Provider;

pub use checkout::checkout_url;
pub use client::Multicard;
pub(crate) use failure::Failure;
pub use give_back::{Returned, Surplus};
pub use model::{Entry, Listed, Status};
pub use question::{Question, Word};
pub use report::{Comparison, Heard};

/// The methods that Multicard serves.
pub(crate) const PROVIDERS: [Provider; 2] = [Provider::Uzcard, Provider::Humo];
