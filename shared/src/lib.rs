//! The marketplace: every rule and every table. The other crates only carry messages to it.

// ── the domain: one folder per noun ──
pub mod accounts;
pub mod adjustments;
pub mod audit;
pub mod escrow;
pub mod games;
pub mod idempotency;
pub mod ledger;
pub mod listings;
pub mod notifications;
pub mod payments;
pub mod statistics;
pub mod subscriptions;
pub mod switches;
pub mod uploads;
pub mod withdrawals;

// ── the ground it stands on ──
pub mod app;
pub mod db;
pub mod error;
pub mod ids;
pub mod jobs;
pub mod language;
pub mod limits;
pub mod mail;
pub mod migrate;
pub mod money;
pub mod outcome;
pub(crate) mod outside;
pub mod page;
pub(crate) mod schema;
pub mod security;
pub mod settings;
pub mod sms;
pub mod startup;
mod statement;
pub mod storage;
pub mod telemetry;
pub mod testing;
mod text_enum;

pub use app::App;
pub use db::{Conn, Db, Tx};
pub use error::{Code, Error, Result};
pub use money::Money;
pub use outcome::{Outcome, Timed};
