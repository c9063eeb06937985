//! Withdrawals: how much, how often, and who looks at them before they leave.

use std::time::Duration;

use super::SettingsError;
use super::vars::Vars;
use crate::Money;

/// Above this amount Multicard wants the receiver's papers, which we do not ask for.
const PAPERS_ABOVE: i64 = 10_000_000;
/// Card numbers that are gone before a complaint arrives help nobody.
const KEEP_MIN: Duration = Duration::from_secs(86_400);
/// An answer that is this late has been seen; a second sending within it could pay twice.
const RESEND_MIN: Duration = Duration::from_secs(300);

/// The rules of withdrawals. Amounts are UZS.
#[derive(Clone, Copy, Debug)]
pub struct WithdrawalSettings {
    /// `WITHDRAWAL_MIN` (10000).
    pub min: Money,
    /// `WITHDRAWAL_MAX` (10000000, and no more: above it Multicard wants the receiver's papers).
    pub max: Money,
    /// `WITHDRAWAL_DAILY_MAX` (20000000): of one person in 24 hours.
    pub daily_max: Money,
    /// `WITHDRAWAL_REVIEW_ABOVE` (3000000): one member of staff approves what is larger.
    pub review_above: Money,
    /// `WITHDRAWAL_SECOND_REVIEW_ABOVE` (7000000): two of them approve what is larger.
    pub second_review_above: Money,
    /// `WITHDRAWAL_HOLD` (24h): how long money for a card that was never used before waits, and after a change of
    /// password.
    pub hold: Duration,
    /// `WITHDRAWAL_RESEND_AFTER` (15m): a payout that Multicard certainly does not know this long after it was sent is
    /// sent again, under the same reference.
    pub resend_after: Duration,
    /// `WITHDRAWAL_UNKNOWN_MAX` (24h): a payout without a definite answer for this long is a case for a human.
    pub unknown_max: Duration,
    /// `WITHDRAWAL_CARDS_KEEP` (30d): card numbers are wiped this long after the end of their withdrawal.
    pub cards_keep: Duration,
}

pub(super) fn withdrawals(vars: &Vars) -> Result<WithdrawalSettings, SettingsError> {
    let settings = WithdrawalSettings {
        min: money(vars, "WITHDRAWAL_MIN", 10_000)?,
        max: money(vars, "WITHDRAWAL_MAX", PAPERS_ABOVE)?,
        daily_max: money(vars, "WITHDRAWAL_DAILY_MAX", 20_000_000)?,
        review_above: money(vars, "WITHDRAWAL_REVIEW_ABOVE", 3_000_000)?,
        second_review_above: money(vars, "WITHDRAWAL_SECOND_REVIEW_ABOVE", 7_000_000)?,
        hold: vars.duration("WITHDRAWAL_HOLD", "24h")?,
        resend_after: vars.duration("WITHDRAWAL_RESEND_AFTER", "15m")?,
        unknown_max: vars.duration("WITHDRAWAL_UNKNOWN_MAX", "24h")?,
        cards_keep: vars.duration("WITHDRAWAL_CARDS_KEEP", "30d")?,
    };
    let wrong = |name, problem| Err(SettingsError::new(name, problem));
    if !settings.min.is_positive() {
        return wrong("WITHDRAWAL_MIN", "must be more than nothing");
    }
    if settings.max < settings.min || settings.max > Money::from_soum(PAPERS_ABOVE) {
        return wrong("WITHDRAWAL_MAX", "must be between WITHDRAWAL_MIN and 10000000");
    }
    if settings.second_review_above < settings.review_above {
        return wrong(
            "WITHDRAWAL_SECOND_REVIEW_ABOVE",
            "must not be less than WITHDRAWAL_REVIEW_ABOVE",
        );
    }
    if settings.resend_after < RESEND_MIN {
        return wrong("WITHDRAWAL_RESEND_AFTER", "must be at least 5m");
    }
    if settings.cards_keep < KEEP_MIN {
        return wrong("WITHDRAWAL_CARDS_KEEP", "must be at least a day");
    }
    Ok(settings)
}

fn money(vars: &Vars, name: &'static str, default: i64) -> Result<Money, SettingsError> {
    match vars.get(name) {
        None => Ok(Money::from_soum(default)),
        Some(text) => Money::parse(text)
            .ok_or_else(|| SettingsError::new(name, "must be an amount such as 10000 or 10000.50")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<WithdrawalSettings, String> {
        let values: HashMap<_, _> =
            values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        withdrawals(&Vars::new(values).expect("an environment")).map_err(|error| error.to_string())
    }

    #[test]
    fn limits_that_contradict_each_other_do_not_start() {
        let limits = read(&[]).expect("the defaults");
        assert!(limits.min < limits.review_above && limits.second_review_above < limits.max);
        for (name, value) in [
            ("WITHDRAWAL_MIN", "0"),
            ("WITHDRAWAL_MIN", "-5"),
            ("WITHDRAWAL_MIN", "20000000"),
            ("WITHDRAWAL_MAX", "10000000.01"),
            ("WITHDRAWAL_MAX", "1e6"),
            ("WITHDRAWAL_SECOND_REVIEW_ABOVE", "1000"),
            ("WITHDRAWAL_RESEND_AFTER", "10s"),
            ("WITHDRAWAL_CARDS_KEEP", "1h"),
        ] {
            assert!(read(&[(name, value)]).is_err(), "{name}={value}");
        }
        assert_eq!(read(&[("WITHDRAWAL_HOLD", "0s")]).expect("none").hold, Duration::ZERO);
    }
}
