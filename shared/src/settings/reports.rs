//! The comparison with what providers report.

use super::SettingsError;
use super::vars::Vars;

/// More days are not compared in a night.
const DAYS_MAX: i32 = 31;

/// The nightly comparison with what providers report.
#[derive(Clone, Copy, Debug)]
pub struct ReportSettings {
    /// `PAYMENT_REPORT_DAYS` (3): how many past business days are compared every night. More after a restore from a
    /// backup: what providers told in the lost hours is not told again.
    pub days: i32,
}

pub(super) fn reports(vars: &Vars) -> Result<ReportSettings, SettingsError> {
    const DAYS: &str = "PAYMENT_REPORT_DAYS";
    let days = vars.parse(DAYS, 3)?;
    if (1..=DAYS_MAX).contains(&days) {
        Ok(ReportSettings { days })
    } else {
        Err(SettingsError::new(DAYS, "must be between 1 and 31"))
    }
}
