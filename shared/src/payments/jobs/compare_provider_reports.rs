//! `compare_provider_reports`: ticked every night.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{Job, JobKind, JobVerdict, Queue};
use crate::{App, Tx, payments};

/// Begins the comparisons with what providers report about the past business days.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct CompareProviderReports {}

impl JobKind for CompareProviderReports {
    const KIND: &'static str = "compare_provider_reports";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Job for CompareProviderReports {
    async fn run(self, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        Ok(payments::compare_reports(tx, app).await?.into())
    }
}
