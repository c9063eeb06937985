//! The workspace's tests: [`TestApp`] runs the real router and the real job registry on a real PostgreSQL and Redis.
//!
//! Every test has a database (a clone of the migrated template), a Redis prefix and a clock of its own. When it ends,
//! the harness fails it if a due job was left behind, a job died unannounced, or a ledger invariant is violated.

mod app;
mod authority;
mod client;
mod database;
mod environment;
pub mod grafana;
pub mod kinds;
mod letter;
pub mod mail;
mod payme;
mod process;
mod prometheus;
pub mod promql;
mod smtp;
mod story;

pub use app::{InProcessWorker, Person, TestApp};
pub use authority::Authority;
pub use client::{Client, Reply};
pub use database::Database;
pub use environment::environment;
pub use letter::Received;
pub use payme::Payme;
pub use process::{Process, RedisServer, eventually};
pub use prometheus::{Prometheus, promtool};
pub use smtp::{Line, SmtpServer, Whim};
pub use story::{Deal, Story, sell_body};
