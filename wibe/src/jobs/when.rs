//! Moments as people type them: a time, or how long ago.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shared::settings::parse_duration;
use shared::{App, Result};

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// So long before now.
    Ago(Duration),
    /// A time.
    At(DateTime<Utc>),
}

impl When {
    /// The moment, if one was given.
    pub(super) async fn moment(app: &App, when: Option<Self>) -> Result<Option<DateTime<Utc>>> {
        match when {
            None => Ok(None),
            Some(Self::At(moment)) => Ok(Some(moment)),
            Some(Self::Ago(span)) => {
                let now = app.db.transaction(async |tx| Ok(tx.now())).await?;
                let span = TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
                Ok(Some(now.checked_sub_signed(span).unwrap_or(DateTime::UNIX_EPOCH)))
            }
        }
    }
}

/// Reads `2h`, or `2026-11-25T10:00:00Z`.
pub(super) fn when(text: &str) -> Result<When, String> {
    let ago = parse_duration(text).map(When::Ago);
    ago.or_else(|| text.parse().ok().map(When::At)).ok_or_else(|| {
        "must be a time such as 2026-11-25T10:00:00Z, or 90s, 30m, 2h, 7d".to_owned()
    })
}

/// Reads `90s`, `30m`, `2h` or `7d`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "must be a duration such as 90s, 30m, 2h or 7d".to_owned())
}

/// Reads `2026-11-25T10:00:00Z`.
pub(super) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    text.parse().ok().ok_or_else(|| "must be a time such as 2026-11-25T10:00:00Z".to_owned())
}

/// A moment as it stands in tables.
pub(super) fn stamp(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_how_long_ago() {
        assert_eq!(when("2h"), Ok(When::Ago(Duration::from_secs(7_200))));
        let epoch = When::At(DateTime::UNIX_EPOCH);
        assert_eq!(when("1970-01-01T00:00:00Z"), Ok(epoch));
        assert_eq!(when("1970-01-01T05:00:00+05:00"), Ok(epoch));
        assert!(when("yesterday").is_err() && time("2h").is_err() && span("soon").is_err());
        assert_eq!(stamp(DateTime::UNIX_EPOCH), "1970-01-01 00:00:00");
    }
}
