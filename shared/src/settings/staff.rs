//! What one person of staff may do alone.

use super::SettingsError;
use super::vars::Vars;
use crate::Money;

/// What one person of staff may do alone.
#[derive(Clone, Copy, Debug)]
pub struct StaffSettings {
    /// `ADJUSTMENT_REVIEW_ABOVE` (500000.00 UZS): a larger correction of a balance needs a second person; so do small ones
    /// to one person that exceed it together within a day.
    pub adjustment_review_above: Money,
}

pub(super) fn staff(vars: &Vars) -> Result<StaffSettings, SettingsError> {
    let name = "ADJUSTMENT_REVIEW_ABOVE";
    let limit = Money::parse(&vars.text(name, "500000.00"))
        .ok_or_else(|| SettingsError::new(name, "must be an amount such as 500000.00"))?;
    Ok(StaffSettings { adjustment_review_above: limit })
}
