//! The providers' clock: Tashkent's, always five hours ahead of UTC, and movable like the platform's.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};

/// How the providers write a moment.
const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// A clock that can be moved ahead.
#[derive(Default)]
pub(crate) struct Clock {
    ahead_millis: AtomicI64,
}

impl Clock {
    /// Moves the clock ahead.
    pub(crate) fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead_millis.fetch_add(millis, Ordering::Relaxed);
    }

    /// Now, in Tashkent.
    pub(crate) fn now(&self) -> DateTime<FixedOffset> {
        let ahead = TimeDelta::milliseconds(self.ahead_millis.load(Ordering::Relaxed));
        let utc = Utc::now() + ahead;
        let tashkent = FixedOffset::east_opt(5 * 3600);
        tashkent.map_or_else(|| utc.fixed_offset(), |zone| utc.with_timezone(&zone))
    }

    /// This moment as the providers write it.
    pub(crate) fn stamp(&self) -> String {
        written(self.now())
    }

    /// Milliseconds since 1970.
    pub(crate) fn millis(&self) -> i64 {
        self.now().timestamp_millis()
    }
}

/// A moment as the providers write it.
pub(crate) fn written(moment: DateTime<FixedOffset>) -> String {
    moment.format(FORMAT).to_string()
}
