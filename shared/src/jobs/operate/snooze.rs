//! A job that shall run later.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::row::JobRow;
use super::{JobState, Operator};
use crate::Tx;
use crate::error::{Error, Result};
use crate::ids::JobId;
use crate::language::Text;
use crate::schema::jobs;

/// Nothing is put off for longer than a year.
pub const SNOOZE_MAX: Duration = Duration::from_secs(366 * 86_400);

const FUTURE: Text = Text::new(
    "Kelajakdagi vaqt bo'lishi kerak, ko'pi bilan bir yil oldinga.",
    "Время в будущем, не далее чем через год.",
    "A time in the future, at most a year ahead.",
);
const NOT_WAITING: Text = Text::new(
    "Faqat kutayotgan vazifani keyinga surish mumkin.",
    "Отложить можно только ждущее задание.",
    "Only a job that waits can be put off.",
);

/// When a job shall run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// So long from now.
    After(Duration),
    /// At this moment (business time).
    At(DateTime<Utc>),
}

/// Puts a job off that waits. Costs no attempt.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_STATE` unless it waits; `VALIDATION_ERROR` for a moment that has passed or is more than a year
/// ahead; `BUSY`.
pub async fn snooze(tx: &mut Tx, by: &Operator, id: JobId, wake: Wake) -> Result<()> {
    let until = wake.moment(tx.now())?;
    let job = JobRow::lock(tx, id).await?;
    match job.state {
        JobState::Pending | JobState::Dispatched => {}
        JobState::Running | JobState::Done | JobState::Dead | JobState::Cancelled => {
            return Err(job.refuse(NOT_WAITING));
        }
    }
    diesel::update(jobs::table.find(id))
        .set((jobs::state.eq(JobState::Pending), jobs::run_at.eq(until)))
        .execute(tx.conn())
        .await?;
    let details = json!({ "kind": job.kind, "from": job.run_at, "to": until });
    by.record(tx, "jobs.snooze", ("job", id.to_string()), details).await
}

impl Wake {
    fn moment(self, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
        let latest =
            TimeDelta::from_std(SNOOZE_MAX).ok().and_then(|max| now.checked_add_signed(max));
        let moment = match self {
            Self::At(moment) => Some(moment),
            Self::After(wait) => {
                TimeDelta::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait))
            }
        };
        moment
            .filter(|moment| *moment > now && latest.is_some_and(|latest| *moment <= latest))
            .ok_or_else(|| Error::field("until", FUTURE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_put_off_into_the_future_and_no_further_than_a_year() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(10_000);
        let after = |wait| Wake::After(wait).moment(now).ok();
        assert_eq!(after(Duration::from_secs(60)), Some(now + TimeDelta::minutes(1)));
        assert_eq!(after(SNOOZE_MAX), Some(now + TimeDelta::days(366)));
        assert_eq!(after(SNOOZE_MAX + Duration::from_secs(1)), None);
        assert_eq!(after(Duration::MAX), None);
        assert_eq!(after(Duration::ZERO), None);
        let at = |moment| Wake::At(moment).moment(now).ok();
        assert_eq!(at(now + TimeDelta::hours(1)), Some(now + TimeDelta::hours(1)));
        for wrong in
            [now, now - TimeDelta::hours(1), now + TimeDelta::days(400), DateTime::<Utc>::MAX_UTC]
        {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }
}
