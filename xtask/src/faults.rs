//! `cargo xtask faults`: the fault campaign, on servers as careful with data as production's.

use std::process::{Command, ExitCode};

use crate::checkout::Checkout;
use crate::failure::Result;
use crate::suite::Suite;

/// Runs the campaign; its exit status is ours.
pub(crate) fn run(checkout: &Checkout, args: &[String]) -> Result<ExitCode> {
    let mut suite = Suite::start(checkout, "faults", true)?;
    let mut faults = Command::new(suite.program("faults"));
    faults.current_dir(&checkout.root).args(args);
    suite.run(checkout, faults)
}
