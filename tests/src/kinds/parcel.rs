//! Kinds that changed between two releases.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::error::Result;
use shared::jobs::{Job, JobKind, JobVerdict, Queue};
use shared::{App, Tx};

use super::mark::leave;

/// A kind as the release before knew it.
#[derive(Serialize, Deserialize)]
pub struct ParcelOfRelease1 {
    pub key: String,
}

impl JobKind for ParcelOfRelease1 {
    const KIND: &'static str = "test_parcel";
    const QUEUE: Queue = Queue::Default;
}

impl Job for ParcelOfRelease1 {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        leave(tx, &self.key).await
    }
}

/// The same kind today: its arguments say more, and older ones are upgraded.
#[derive(Serialize, Deserialize)]
pub struct Parcel {
    pub key: String,
    pub sender: String,
}

impl JobKind for Parcel {
    const KIND: &'static str = "test_parcel";
    const QUEUE: Queue = Queue::Default;
    const VERSION: i16 = 2;

    fn upgrade(mut args: Value, from: i16) -> Value {
        if from == 1 {
            args["sender"] = json!("unknown");
        }
        args
    }
}

impl Job for Parcel {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        leave(tx, &self.key).await
    }
}

/// A kind that the release before does not know.
#[derive(Serialize, Deserialize)]
pub struct Novelty {
    pub key: String,
}

impl JobKind for Novelty {
    const KIND: &'static str = "test_novelty";
    const QUEUE: Queue = Queue::Default;
}

impl Job for Novelty {
    async fn run(self, tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        leave(tx, &self.key).await
    }
}
