//! Walks: long work over rows in the order of a key, a stretch of them per batch.

use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Batch, BatchJob, JobKind, Progress};
use crate::error::{Error, Result};
use crate::{App, Tx};

/// Long work over rows in the order of a key. The instant of the first batch judges what is due: however much becomes due
/// meanwhile, the run ends, and that is the next run's.
pub trait Walk: JobKind {
    /// What the rows are ordered by; unique.
    type Key: Serialize + DeserializeOwned + Send;

    /// Counts the rows that are due, once, before the first stretch. For what cannot be counted in a moment, a part of it.
    fn count(
        &self,
        tx: &mut Tx,
        app: &App,
        as_of: DateTime<Utc>,
    ) -> impl Future<Output = Result<i64>> + Send;

    /// Does the rows that follow a key; without one, the first.
    fn stretch(
        &self,
        tx: &mut Tx,
        app: &App,
        as_of: DateTime<Utc>,
        after: Option<Self::Key>,
    ) -> impl Future<Output = Result<Stretch<Self::Key>>> + Send;
}

/// What one batch of a walk did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch<K> {
    /// Rows that are done.
    pub done: usize,
    /// The key to go on after; none when no row is left.
    pub last: Option<K>,
}

impl<K> Stretch<K> {
    /// A stretch of at most `limit` rows that were looked at in order, of which some were done.
    pub(crate) fn over(mut looked_at: Vec<K>, limit: i64, done: usize) -> Self {
        let full = i64::try_from(looked_at.len()).is_ok_and(|rows| rows >= limit);
        Self { done, last: if full { looked_at.pop() } else { None } }
    }
}

/// Where a walk is.
#[derive(Serialize, Deserialize)]
struct Place<K> {
    as_of: DateTime<Utc>,
    after: Option<K>,
}

impl<W: Walk> BatchJob for W {
    async fn batch(&self, tx: &mut Tx, app: &App, so_far: Progress) -> Result<Batch> {
        // A place that an older release wrote in another form begins the walk again: what is done is not due any more.
        let place = so_far.cursor.and_then(|cursor| serde_json::from_value(cursor).ok());
        let Place { as_of, after } = place.unwrap_or(Place { as_of: tx.now(), after: None });
        let total = match so_far.total {
            Some(total) => total,
            None => self.count(tx, app, as_of).await?,
        };
        let stretch = self.stretch(tx, app, as_of, after).await?;
        let done = so_far.done.saturating_add(i64::try_from(stretch.done).unwrap_or(i64::MAX));
        let progress = Progress { done, total: Some(total.max(done)), cursor: None };
        let Some(last) = stretch.last else { return Ok(Batch::Last(progress)) };
        let place = serde_json::to_value(Place { as_of, after: Some(last) });
        let cursor = Some(place.map_err(Error::internal)?);
        Ok(Batch::More(Progress { cursor, ..progress }))
    }
}

/// The instant that lies `age` before another; none lies before the epoch.
pub(crate) fn ago(instant: DateTime<Utc>, age: Duration) -> DateTime<Utc> {
    chrono::TimeDelta::from_std(age)
        .ok()
        .and_then(|age| instant.checked_sub_signed(age))
        .map_or(DateTime::UNIX_EPOCH, |then| then.max(DateTime::UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_full_stretch_is_followed_by_another() {
        assert_eq!(Stretch::over(vec![1, 2, 3], 3, 2), Stretch { done: 2, last: Some(3) });
        assert_eq!(Stretch::over(vec![1, 2], 3, 2), Stretch { done: 2, last: None });
        assert_eq!(Stretch::<i64>::over(vec![], 3, 0), Stretch { done: 0, last: None });
    }

    #[test]
    fn an_age_beyond_the_calendar_reaches_back_to_the_epoch() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(10);
        let days = |days: u64| Duration::from_secs(days * 86_400);
        assert_eq!(ago(now, days(3)), DateTime::UNIX_EPOCH + TimeDelta::days(7));
        assert_eq!(ago(now, days(11)), DateTime::UNIX_EPOCH);
        assert_eq!(ago(now, Duration::MAX), DateTime::UNIX_EPOCH);
    }
}
