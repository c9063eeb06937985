//! The workspace's tests: [`TestApp`] runs the real router and the real job registry on a real PostgreSQL and Redis.
//!
//! Every test has a database (a clone of the migrated template), a Redis prefix and a clock of its own. When it ends,
//! the harness fails it if a due job was left behind, a job died unannounced, or a ledger invariant is violated.

mod acquirer;
mod app;
mod authority;
mod click;
mod client;
mod database;
mod environment;
mod eskiz;
pub mod google;
pub mod grafana;
pub mod kinds;
mod letter;
mod lines;
pub mod mail;
mod member;
mod payme;
mod paynet;
mod postgres;
mod probe;
mod process;
mod prometheus;
pub mod promql;
mod race;
mod redis_server;
mod sentry;
pub mod sms;
mod smtp;
mod story;

pub use acquirer::{Acquirer, signed_success, signed_webhook};
pub use app::{InProcessWorker, Person, TestApp};
pub use authority::Authority;
pub use click::{Click, Form as ClickForm};
pub use client::{Client, Reply};
pub use database::Database;
pub use environment::{Environment, PostgresUrls, environment};
pub use eskiz::{EskizServer, EskizWhim};
pub use letter::Received;
pub use lines::{Listening, LogLines};
pub use member::Member;
pub use payme::Payme;
pub use paynet::Paynet;
pub use postgres::PostgresServer;
pub use probe::{VARIABLE as PROBE_VARIABLE, probe};
pub use process::{Finished, Process, eventually, free_port};
pub use prometheus::{Prometheus, promtool};
pub use race::{Race, Winner, seed};
pub use redis_server::RedisServer;
pub use sentry::SentryServer;
pub use smtp::{Line, SmtpServer, Whim};
pub use story::{Deal, Story, sell_body};
