//! Deals: the buyer's money is held until the account has changed hands.
//!
//! ```text
//!                    ┌── unpaid, or the buyer gives up ──▶ cancelled
//!                    │
//!  pending_payment ──┴─ pay ──▶ paid ──▶ paid, handed over ──▶ delivered ── release_at ──▶ confirmed
//!                                │              │                  │                           ▲
//!       (from the balance a      │              └───── dispute ────┴──▶ disputed ── staff ─────┤
//!        deal starts as paid)    │                                          │                  │
//!                                └─ seller gives up, nothing handed over ───┴──▶ refunded      │
//!                                └──────────── staff complete or split ────────────────────────┘
//! ```
//!
//! Every window is a timer job and a scan that finds what the timers lost. A timer that finds its deal elsewhere has
//! nothing to do: nothing is cancelled, everything is checked under the lock.
//!
//! Locks are taken in one order everywhere: listing, deal, transaction, ledger accounts, people, jobs.

mod announce;
mod block_listing;
mod cancel_by_buyer;
mod complete;
mod confirm_receipt;
mod count_settled;
mod credentials;
mod dispute;
mod evidence;
mod expire_unpaid;
mod fund;
mod give_up;
mod hand_over;
mod history;
pub mod jobs;
mod measure;
mod model;
mod open;
mod pay;
pub mod queries;
mod receive_silent;
mod reconcile;
mod refund;
mod refund_undelivered;
mod release;
mod release_now;
mod resolve_dispute;
mod reveal;
mod second_opinion;
mod settle;
mod stats;
mod subject;

pub(crate) use block_listing::listing_blocked;
pub use cancel_by_buyer::{cancel_by_buyer, honour_cancel_wish};
pub use complete::complete;
pub use confirm_receipt::confirm_receipt;
pub use count_settled::count_settled;
pub use dispute::{dispute, dispute_by_staff};
pub use evidence::{Evidence, add_evidence, evidence_of};
pub use expire_unpaid::expire_unpaid;
pub use fund::{fund_from_deposit, lock_for_payment};
pub use give_up::give_up;
pub use hand_over::hand_over;
pub use history::{Step, history};
pub(crate) use measure::measure;
pub use model::{CloseReason, Escrow, EscrowStatus, Event, Side};
pub use open::{Opened, Order, open};
pub use pay::pay;
pub use receive_silent::receive_silent;
pub use reconcile::reconcile;
pub(crate) use reconcile::sweeps;
pub use refund::refund;
pub use refund_undelivered::refund_undelivered;
pub use release::release;
pub use release_now::release_now;
pub use resolve_dispute::{Resolution, Winner, resolve_dispute};
pub use reveal::{Revealed, reveal};
pub use second_opinion::{FirstDecision, first_decision};
pub use stats::{Stats, stats};
