//! The comparisons with one provider's report of one business day, a batch per run.

use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{Backoff, ExternalJob, JobKind, JobVerdict, Limits, Queue};
use crate::payments::providers::{click, multicard};
use crate::{App, Tx};

/// A provider may be away for most of a night; a batch that is heard is no attempt.
const LIMITS: Limits = Limits {
    max_attempts: 20,
    timeout: Duration::from_secs(60),
    backoff: Backoff { base: Duration::from_secs(30), max: Duration::from_secs(1_800) },
};

/// Asks Click about each deposit of a day.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CompareClickReport {
    /// Which day, in Tashkent.
    pub day: NaiveDate,
}

impl JobKind for CompareClickReport {
    const KIND: &'static str = "compare_click_report";
    const QUEUE: Queue = Queue::Bulk;
    const LIMITS: Limits = LIMITS;

    fn unique_key(&self) -> Option<String> {
        Some(format!("compare_click_report:{}", self.day))
    }
}

impl ExternalJob for CompareClickReport {
    type Plan = click::Comparison;
    type Answer = click::Heard;

    async fn prepare(&self, tx: &mut Tx, app: &App) -> Result<Option<Self::Plan>> {
        click::Comparison::next(tx, app, self.day).await
    }

    async fn call(plan: &Self::Plan, app: &App) -> Result<Self::Answer> {
        plan.ask(app).await
    }

    async fn record(
        plan: Self::Plan,
        heard: Self::Answer,
        tx: &mut Tx,
        _app: &App,
    ) -> Result<JobVerdict> {
        plan.record(heard, tx).await
    }
}

/// Reads Multicard's history of a day, then asks about what it did not list.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CompareMulticardReport {
    /// Which day, in Tashkent.
    pub day: NaiveDate,
}

impl JobKind for CompareMulticardReport {
    const KIND: &'static str = "compare_multicard_report";
    const QUEUE: Queue = Queue::Bulk;
    const LIMITS: Limits = LIMITS;

    fn unique_key(&self) -> Option<String> {
        Some(format!("compare_multicard_report:{}", self.day))
    }
}

impl ExternalJob for CompareMulticardReport {
    type Plan = multicard::Comparison;
    type Answer = multicard::Heard;

    async fn prepare(&self, tx: &mut Tx, _app: &App) -> Result<Option<Self::Plan>> {
        multicard::Comparison::next(tx, self.day).await
    }

    async fn call(plan: &Self::Plan, app: &App) -> Result<Self::Answer> {
        Ok(plan.ask(&app.multicard).await)
    }

    async fn record(
        plan: Self::Plan,
        heard: Self::Answer,
        tx: &mut Tx,
        app: &App,
    ) -> Result<JobVerdict> {
        plan.record(heard, tx, &app.multicard).await
    }
}
