//! Business days: Tashkent's, which is five hours ahead of UTC all year.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

const AHEAD: TimeDelta = TimeDelta::hours(5);

/// The day at an instant.
pub(in crate::payments) fn day_of(at: DateTime<Utc>) -> NaiveDate {
    (at + AHEAD).date_naive()
}

/// When a day begins, and when the next one does.
pub(in crate::payments) fn bounds(day: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
    let begins = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc() - AHEAD;
    (begins(day), begins(day.checked_add_days(Days::new(1)).unwrap_or(day)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_tashkent() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let day: NaiveDate = "2026-11-26".parse().expect("a day");
        assert_eq!(bounds(day), (at("2026-11-25T19:00:00Z"), at("2026-11-26T19:00:00Z")));
        for (text, expected) in [
            ("2026-11-25T18:59:59.999999Z", "2026-11-25"),
            ("2026-11-25T19:00:00Z", "2026-11-26"),
            ("2026-11-26T18:59:59Z", "2026-11-26"),
        ] {
            assert_eq!(day_of(at(text)).to_string(), expected, "{text}");
        }
    }
}
