//! Counting in months: from an anchor, as people here count them.

use chrono::{DateTime, FixedOffset, Months, SecondsFormat, TimeZone as _, Utc};

/// Tashkent is five hours ahead of UTC all year: there is no daylight-saving time.
const TASHKENT_SECONDS: i32 = 5 * 3_600;

/// The instant `months` after an anchor, at the same time of day and on the same day of the month in Tashkent, or on the
/// last one where the month is shorter. Counted from the anchor and not from the end before, so the 31st comes back
/// after February. Beyond the calendar there is no end.
pub(super) fn months_after(anchor: DateTime<Utc>, months: i32) -> DateTime<Utc> {
    let months = Months::new(u32::try_from(months).unwrap_or(0));
    FixedOffset::east_opt(TASHKENT_SECONDS)
        .and_then(|tashkent| {
            tashkent.from_utc_datetime(&anchor.naive_utc()).checked_add_months(months)
        })
        .map_or(DateTime::<Utc>::MAX_UTC, |end| end.to_utc())
}

/// An instant as it stands in permanent keys: in microseconds, as PostgreSQL keeps it.
pub(crate) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike as _, TimeDelta};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn months_are_counted_from_the_anchor() {
        for (anchor, months, end) in [
            ("2027-01-31T10:00:00Z", 1, "2027-02-28T10:00:00Z"),
            ("2027-01-31T10:00:00Z", 2, "2027-03-31T10:00:00Z"),
            ("2027-01-31T10:00:00Z", 3, "2027-04-30T10:00:00Z"),
            ("2028-01-31T10:00:00Z", 1, "2028-02-29T10:00:00Z"),
            ("2028-01-31T10:00:00Z", 13, "2029-02-28T10:00:00Z"),
            ("2028-02-29T10:00:00Z", 12, "2029-02-28T10:00:00Z"),
            ("2028-02-29T10:00:00Z", 48, "2032-02-29T10:00:00Z"),
            ("2026-11-30T10:00:00Z", 3, "2027-02-28T10:00:00Z"),
            ("2026-12-15T23:59:59.999999Z", 1, "2027-01-15T23:59:59.999999Z"),
            // 1 February at one in the morning in Tashkent, and the last evening of January in London.
            ("2027-01-31T20:00:00Z", 1, "2027-02-28T20:00:00Z"),
            ("2027-02-28T20:00:00Z", 1, "2027-03-31T20:00:00Z"),
            // A century without a leap day.
            ("2096-02-29T05:00:00Z", 48, "2100-02-28T05:00:00Z"),
        ] {
            assert_eq!(months_after(at(anchor), months), at(end), "{anchor} + {months}");
        }
        assert_eq!(months_after(DateTime::<Utc>::MAX_UTC, 1), DateTime::<Utc>::MAX_UTC);
    }

    /// However often it is renewed, the end is never more than the shortness of its month away from the anchor's day.
    #[test]
    fn renewals_never_drift() {
        let first = at("2023-12-28T03:00:00Z");
        for day in 0..=1_500 {
            let anchor = first + TimeDelta::days(day);
            let home = |instant: DateTime<Utc>| instant + TimeDelta::hours(5);
            for months in 0..=60 {
                let end = months_after(anchor, months);
                let next = months_after(anchor, months + 1);
                assert!(end < next, "{anchor} + {months}");
                assert_eq!(end.time(), anchor.time(), "{anchor} + {months}");
                let (day, wanted) = (home(end).day(), home(anchor).day());
                let last = (home(end) + TimeDelta::days(1)).day() == 1;
                assert!(day == wanted || (day < wanted && last), "{anchor} + {months}: {end}");
                let passed = (home(end).year() - home(anchor).year()) * 12;
                let passed = passed + i32::try_from(home(end).month()).expect("small")
                    - i32::try_from(home(anchor).month()).expect("small");
                assert_eq!(passed, months, "{anchor} + {months}: {end}");
            }
        }
    }

    #[test]
    fn a_stamp_is_written_as_postgresql_writes_it() {
        assert_eq!(stamp(at("2027-02-28T10:00:00Z")), "2027-02-28T10:00:00.000000Z");
        assert_eq!(stamp(at("2027-02-28T10:00:00.000001Z")), "2027-02-28T10:00:00.000001Z");
    }
}
