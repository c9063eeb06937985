//! What a process says about itself: logs, metrics, reports, and the id that ties a request to its jobs.

mod gauges;
pub mod health;
pub mod internal;
mod logging;
pub mod metrics;
pub mod sentry;
pub mod timing;
pub mod trace;
pub mod zeros;

use crate::settings::Settings;

/// Logs and reports of a process while it runs. Dropped, it writes out and sends what waits.
#[must_use = "dropped, it ends the log"]
pub struct Telemetry {
    _reports: Option<sentry::Reports>,
    _log: logging::Logging,
}

/// Starts the log and the reports of a process of this name, such as `api`.
///
/// # Errors
/// One sentence about the log file.
pub fn start(process: &'static str, settings: &Settings) -> Result<Telemetry, String> {
    let reports = sentry::start(process, settings.env, &settings.sentry);
    let log = logging::start(process, &settings.log, reports.is_some())?;
    Ok(Telemetry { _reports: reports, _log: log })
}
