//! Paynet's times: to the second, on the clocks of Tashkent (GMT+5, no summer time).

use chrono::{DateTime, NaiveDateTime, SubsecRound as _, TimeDelta, Utc};

/// What is sent.
const FORMAT: &str = "%Y-%m-%d %H:%M:%S";
/// What is understood.
const FORMATS: [&str; 2] = [FORMAT, "%d.%m.%Y %H:%M:%S"];
/// The characters of either.
const LENGTH: usize = 19;

const ZONE: TimeDelta = TimeDelta::hours(5);

/// A moment as Paynet can be told it.
pub(super) fn whole_seconds(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.trunc_subsecs(0)
}

/// The moment's text.
pub(super) fn text(moment: DateTime<Utc>) -> String {
    (moment + ZONE).format(FORMAT).to_string()
}

/// The text's moment.
pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
    if text.len() != LENGTH {
        return None;
    }
    let local =
        FORMATS.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    local.and_utc().checked_sub_signed(ZONE)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::{parse, text, whole_seconds};

    #[test]
    fn times_are_those_of_tashkent_in_both_notations() {
        let moment: DateTime<Utc> = "2026-09-30T19:05:09.999Z".parse().expect("a time");
        assert_eq!(text(moment), "2026-10-01 00:05:09");
        assert_eq!(parse("2026-10-01 00:05:09"), Some(whole_seconds(moment)));
        assert_eq!(parse("01.10.2026 00:05:09"), Some(whole_seconds(moment)));
        for wrong in [
            "",
            "2026-10-01",
            "2026-10-01T00:05:09",
            "2026-13-01 00:05:09",
            "2026-02-30 00:05:09",
            "2026-10-01 24:05:09",
            "2026-10-01 00:05:9",
            "2026-10-01 00:05:09Z",
            " 026-10-01 00:05:09x",
            "1790794509000000000",
            "99999-10-01 00:05:0",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
