//! What holds for every provider that we call.

use std::time::Duration;

use super::vars::Vars;
use super::{AppEnv, SettingsError};

/// One call may take this long at most: a payout makes three of them in one run of its job.
const TIMEOUT_MAX: Duration = Duration::from_secs(5);
/// Less is a slip of the pen.
const TIMEOUT_MIN: Duration = Duration::from_millis(50);

/// How long one call may take (4s).
pub(super) fn timeout(vars: &Vars, name: &'static str) -> Result<Duration, SettingsError> {
    let timeout = vars.duration(name, "4s")?;
    if (TIMEOUT_MIN..=TIMEOUT_MAX).contains(&timeout) {
        Ok(timeout)
    } else {
        Err(SettingsError::new(name, "must be between 50ms and 5s"))
    }
}

/// Where a provider is, without a slash at the end; production speaks TLS to it.
pub(super) fn base_url(
    vars: &Vars,
    name: &'static str,
    default: &str,
) -> Result<String, SettingsError> {
    let url = vars.text(name, default).trim_end_matches('/').to_owned();
    let plain = url.starts_with("http://") && vars.env != AppEnv::Production;
    if plain || url.starts_with("https://") {
        Ok(url)
    } else {
        Err(SettingsError::new(name, "must be an https:// address"))
    }
}
