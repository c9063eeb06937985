//! Ctrl-C and its relatives: counted, so that the first one stops politely and the second one at once.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::{Attempt, Result};

/// How often anything here looks around.
pub(crate) const GLANCE: Duration = Duration::from_millis(50);
/// One key press may arrive twice: from the terminal, and from a parent that passes it on.
const ECHO: Duration = Duration::from_millis(300);

static RECEIVED: AtomicUsize = AtomicUsize::new(0);

/// Starts counting; from here on a signal no longer ends this process by itself.
pub(crate) fn listen() -> Result<()> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).attempt("cannot listen for Ctrl-C")?;
    thread::spawn(move || {
        let mut last: Option<Instant> = None;
        for _ in signals.forever() {
            if last.is_none_or(|last| last.elapsed() > ECHO) {
                RECEIVED.fetch_add(1, Ordering::Relaxed);
            }
            last = Some(Instant::now());
        }
    });
    Ok(())
}

/// How many times we were asked to stop.
pub(crate) fn received() -> usize {
    RECEIVED.load(Ordering::Relaxed)
}

/// Fails once we were asked to stop; every long wait goes through here.
pub(crate) fn check() -> Result<()> {
    if received() > 0 { Err("interrupted".to_owned()) } else { Ok(()) }
}

/// Runs `command` to its end, in a group of its own; `meanwhile` is called while it runs.
///
/// The first interrupt asks the whole group to end, the second one kills it.
pub(crate) fn run(command: &mut Command, mut meanwhile: impl FnMut()) -> Result<ExitStatus> {
    check()?;
    let program = command.get_program().display().to_string();
    let doing = format!("cannot run {program}");
    let mut child = command.process_group(0).spawn().attempt(&doing)?;
    let group = Pid::from_raw(child.id().cast_signed());
    let mut passed_on = 0;
    loop {
        if let Some(status) = child.try_wait().attempt(&doing)? {
            if passed_on > 0 {
                killpg(group, Signal::SIGKILL).ok();
            }
            check()?;
            return Ok(status);
        }
        let received = received();
        if received > passed_on {
            let signal = if received == 1 { Signal::SIGTERM } else { Signal::SIGKILL };
            killpg(group, signal).ok();
            passed_on = received;
        }
        meanwhile();
        thread::sleep(GLANCE);
    }
}

/// Like [`run`], and an exit status other than 0 is a failure called `what`.
pub(crate) fn run_well(command: &mut Command, what: &str, meanwhile: impl FnMut()) -> Result<()> {
    let status = run(command, meanwhile)?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})")) }
}

/// A child's exit status as our own; a signal counts as a failure.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}
