//! How long things are left alone before the night's work looks at them.

use std::time::Duration;

use super::SettingsError;
use super::vars::Vars;

/// A window shorter than this is a slip of the pen that would empty the market, or lock out who has just registered.
const MIN: Duration = Duration::from_secs(86_400);

/// How long things are left alone.
#[derive(Clone, Copy, Debug)]
pub struct UpkeepSettings {
    /// `LISTING_ARCHIVE_AFTER` (180d): a listing that nobody bought leaves the market.
    pub archive_after: Duration,
    /// `UNVERIFIED_USERS_KEEP` (7d): an account that nobody proved to be theirs is closed.
    pub unverified_keep: Duration,
    /// `CLOSED_ACCOUNTS_KEEP` (30d): what is personal in a closed account is erased.
    pub closed_keep: Duration,
}

pub(super) fn upkeep(vars: &Vars) -> Result<UpkeepSettings, SettingsError> {
    Ok(UpkeepSettings {
        archive_after: days(vars, "LISTING_ARCHIVE_AFTER", "180d")?,
        unverified_keep: days(vars, "UNVERIFIED_USERS_KEEP", "7d")?,
        closed_keep: days(vars, "CLOSED_ACCOUNTS_KEEP", "30d")?,
    })
}

fn days(vars: &Vars, name: &'static str, default: &str) -> Result<Duration, SettingsError> {
    let duration = vars.duration(name, default)?;
    if duration < MIN {
        Err(SettingsError::new(name, "must be at least a day"))
    } else {
        Ok(duration)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_window_of_less_than_a_day_is_refused() {
        let read = |value: &str| {
            let vars = HashMap::from([("UNVERIFIED_USERS_KEEP".to_owned(), value.to_owned())]);
            upkeep(&Vars::new(vars)?)
        };
        assert_eq!(read("24h").expect("a day").unverified_keep, MIN);
        for wrong in ["0d", "7h", "7"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
