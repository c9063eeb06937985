//! Timers: jobs that are recorded now for a later moment, and look again when it comes.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::JobVerdict;
use crate::{Outcome, Timed};

/// The instant a window closes that opens at `start`; windows beyond the calendar never close.
pub(crate) fn after(start: DateTime<Utc>, window: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(window)
        .ok()
        .and_then(|window| start.checked_add_signed(window))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

impl Timed {
    /// What a timer's job says: one that comes too early sleeps on.
    pub(crate) fn verdict(self, now: DateTime<Utc>) -> JobVerdict {
        match self {
            Self::Done => Outcome::Done.into(),
            Self::AlreadyDone => Outcome::AlreadyDone.into(),
            Self::NotBefore(due) => JobVerdict::Snooze(until(due, now)),
        }
    }
}

/// The wait in whole milliseconds, as the row keeps it; rounded up, so that nobody wakes a moment too early.
fn until(due: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    let wait = (due - now).to_std().unwrap_or_default();
    let millis = wait.as_micros().div_ceil(1_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_that_comes_too_early_sleeps_until_it_is_due() {
        let now = DateTime::UNIX_EPOCH;
        let early = Timed::NotBefore(now + TimeDelta::seconds(90)).verdict(now);
        assert!(matches!(early, JobVerdict::Snooze(wait) if wait.as_secs() == 90));
        let soon = Timed::NotBefore(now + TimeDelta::microseconds(1_001)).verdict(now);
        assert!(matches!(soon, JobVerdict::Snooze(wait) if wait.as_millis() == 2));
        assert!(matches!(Timed::Done.verdict(now), JobVerdict::Done(Outcome::Done)));
        assert!(matches!(Timed::AlreadyDone.verdict(now), JobVerdict::Done(Outcome::AlreadyDone)));
    }

    #[test]
    fn a_window_that_never_closes_is_no_overflow() {
        let start = DateTime::UNIX_EPOCH;
        assert_eq!(after(start, Duration::from_secs(3600)), start + TimeDelta::hours(1));
        assert_eq!(after(start, Duration::MAX), DateTime::<Utc>::MAX_UTC);
    }
}
