//! `cargo xtask faults`: the fault campaign, on servers as careful with data as production's.

use std::process::{Command, ExitCode};

use crate::checkout::Checkout;
use crate::failure::Result;
use crate::suite::{Build, Servers, Suite};

/// What is built: the quick build of a developer, or the one that is deployed.
const RELEASE: &str = "--release";

/// Runs the campaign; its exit status is ours.
pub(crate) fn run(checkout: &Checkout, args: &[String]) -> Result<ExitCode> {
    let (ours, theirs): (Vec<_>, Vec<_>) = args.iter().partition(|arg| *arg == RELEASE);
    let build = if ours.is_empty() { Build::Quick } else { Build::Release };
    let mut suite = Suite::start(checkout, "faults", Servers::Durable, build)?;
    let mut faults = Command::new(suite.program("faults"));
    faults.current_dir(&checkout.root).args(theirs);
    suite.run(checkout, faults)
}
