//! Finds uploads that nobody wants.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::{App, Outcome, Tx, uploads};

/// A full batch is followed by another after this long.
const NEXT_BATCH_AFTER: Duration = Duration::from_secs(1);

/// Discards uploads that nobody attached for a day, and sees that every discarded file goes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SweepUploads {}

impl JobKind for SweepUploads {
    const KIND: &'static str = "sweep_uploads";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Job for SweepUploads {
    async fn run(self, tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        let swept = uploads::sweep(tx).await?;
        if swept.full { Ok(JobVerdict::Snooze(NEXT_BATCH_AFTER)) } else { Ok(Outcome::Done.into()) }
    }
}
