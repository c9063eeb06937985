//! The double-entry ledger: the only place where money is.
//!
//! A posting is a balanced set of signed legs under a business key that is unique for ever. Positive means that we owe
//! the owner more: users and deals are never below zero, provider clearing is never above it, and everything sums to
//! zero. The database refuses what must not happen (`migrations/*_create_ledger`); this module only speaks to it.
//!
//! | event | key | legs |
//! |---|---|---|
//! | deposit | `deposit:<transaction>` | clearing −A, user +A |
//! | reversal by the provider | `deposit_reversal:<transaction>` | user −A, clearing +A |
//! | purchase | `escrow_fund:<deal>` | buyer −A, deal +A |
//! | correction by staff | `adjustment:<adjustment>` | user ±A, adjustment ∓A |
//! | release, refund or split | `escrow_settle:<deal>` | deal −A, seller +(A−C−R), commission +C, buyer +R |
//! | period of a subscription | `subscription:<subscription>:<its start>` | user −P, subscriptions +P |
//! | withdrawal asked for | `withdraw_hold:<transaction>` | user −A, hold +A |
//! | paid, or given back | `withdraw_settle:<transaction>` | hold −A, clearing or user +A |
//!
//! Release and refund share one key, so a deal cannot be paid out twice nor refunded and paid out.

mod balance;
mod check;
mod freeze;
mod gauges;
mod invariants;
pub mod jobs;
mod marks;
mod posting;
mod recent;
mod report;
mod statement;

pub use balance::{Balance, balance_of_user, roll_up};
pub use check::{Checked, Violation, check, check_everything, check_recent};
pub use freeze::{Frozen, freeze, is_frozen, unfreeze};
pub(crate) use gauges::measure;
pub use posting::{Account, Posting, open_account, post, try_post};
use report::conclude;
pub use statement::{Subject, statement};
