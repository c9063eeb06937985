//! Computes the statistics of the days that have none, and of the last two again.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::jobs::{JobKind, Queue, Stretch, Walk};
use crate::statistics;
use crate::{App, Tx};

/// Computes the statistics of the days that have none, and of the last two again.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct CalculateDailyStatistics {}

impl JobKind for CalculateDailyStatistics {
    const KIND: &'static str = "calculate_daily_statistics";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

impl Walk for CalculateDailyStatistics {
    type Key = NaiveDate;

    async fn count(&self, tx: &mut Tx, _app: &App, as_of: DateTime<Utc>) -> Result<i64> {
        statistics::count_days(tx, as_of).await
    }

    async fn stretch(
        &self,
        tx: &mut Tx,
        _app: &App,
        as_of: DateTime<Utc>,
        after: Option<NaiveDate>,
    ) -> Result<Stretch<NaiveDate>> {
        statistics::calculate_next(tx, as_of, after).await
    }
}
