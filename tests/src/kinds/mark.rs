//! Marks: an effect that nothing but the platform keeps from being left twice.

use std::time::Duration;

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use shared::error::Result;
use shared::jobs::{Job, JobKind, JobVerdict, PlainJob, Queue};
use shared::{App, Outcome, Tx};

/// What a database needs for marks: what was ordered, in the transaction that recorded its job, and what was done.
/// `test_marks` has no unique index on purpose.
pub const TABLES: &str = "
    CREATE TABLE test_orders (key text PRIMARY KEY, due timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE TABLE test_marks (key text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
    GRANT SELECT, INSERT ON test_orders, test_marks TO wibe_app";

/// Leaves a mark, after a while.
#[derive(Serialize, Deserialize)]
pub struct Mark {
    pub key: String,
    /// How long it takes, in milliseconds.
    #[serde(default)]
    pub takes_ms: u64,
}

impl JobKind for Mark {
    const KIND: &'static str = "test_mark";
    const QUEUE: Queue = Queue::Default;
}

impl Job for Mark {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        tokio::time::sleep(Duration::from_millis(self.takes_ms)).await;
        leave(tx, &self.key).await
    }
}

/// Leaves a mark in the queue of money.
#[derive(Serialize, Deserialize)]
pub struct Coin {
    pub key: String,
}

impl JobKind for Coin {
    const KIND: &'static str = "test_coin";
    const QUEUE: Queue = Queue::Money;
}

impl Job for Coin {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        leave(tx, &self.key).await
    }
}

/// Leaves nothing behind but its row.
#[derive(Serialize, Deserialize)]
pub struct Nothing {}

impl JobKind for Nothing {
    const KIND: &'static str = "test_nothing";
    const QUEUE: Queue = Queue::Default;
}

impl PlainJob for Nothing {
    async fn run(self, _: &App) -> Result<JobVerdict> {
        Ok(Outcome::Done.into())
    }
}

/// Leaves one more mark under this key.
pub(super) async fn leave(tx: &mut Tx, key: &str) -> Result<JobVerdict> {
    diesel::sql_query("INSERT INTO test_marks (key) VALUES ($1)")
        .bind::<Text, _>(key)
        .execute(tx.conn())
        .await?;
    Ok(Outcome::Done.into())
}
