//! Withdrawals: a person's money on its way to their card.
//!
//! ```text
//!              worker                   Multicard says yes
//!   pending ──────────▶ processing ──────────────────────────▶ completed   hold −A, clearing +A
//!      │                    │  └── no definite answer: stays, is asked about again, then a human
//!      │                    └───── Multicard says no ────────▶ failed      hold −A, available +A
//!      └── the person, or staff ────────────────────────────▶ cancelled   hold −A, available +A
//! ```
//!
//! The money is held in the transaction that asks for it (`withdraw_hold:<id>`) and settled once, under one key
//! (`withdraw_settle:<id>`), whichever way it ends. Between asking and paying may stand one or two members of staff
//! (`approvals_needed`) and a day of waiting (`not_before`).
//!
//! The card's number is sealed the moment it arrives and opened only for the call to Multicard. Everybody, staff too, sees
//! `860053••••8829`; a month after the end the number is wiped.
//!
//! Locks are taken in one order: the transaction, the withdrawal, the ledger.

mod approve;
mod cancel;
mod card;
pub mod jobs;
mod limits;
mod measure;
mod model;
mod payout;
mod payout_call;
pub mod queries;
mod receipt;
mod reconcile;
mod reject;
mod request;
mod settle;
mod wipe;

pub use approve::approve;
pub use cancel::cancel;
pub use card::CardType;
pub(crate) use measure::measure;
pub use model::Withdrawal;
pub use payout::{Answer, Payout, Plan};
pub(crate) use receipt::Paid;
pub(crate) use reconcile::{SWEEP, reconcile};
pub use reject::reject;
pub use request::{Order, request};
pub(crate) use wipe::forget_card_holder;
pub use wipe::{Wiped, wipe_card_numbers};
