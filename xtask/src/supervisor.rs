//! All that one command has started: kept alive while it is wanted, ended in the right order.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::console::say;
use crate::failure::Result;
use crate::interrupts::{self, GLANCE};
use crate::service::{Member, Role, Service};

/// How long our own processes may take to finish what they are doing.
const DRAIN_MAX: Duration = Duration::from_secs(40);
/// How long a server may take to stop.
const SHUTDOWN_MAX: Duration = Duration::from_secs(20);
/// Who dies this often before it is ready will not become ready.
const DEATHS_MAX: u32 = 5;

/// The running services, in the order in which they were started; dropping it ends them.
pub(crate) struct Supervisor {
    run_folder: PathBuf,
    members: Vec<Member>,
}

impl Supervisor {
    /// A supervisor that keeps a pid file per service in `run_folder`.
    pub(crate) fn new(run_folder: PathBuf) -> Self {
        Self { run_folder, members: Vec::new() }
    }

    /// Starts a service and keeps it running from now on.
    pub(crate) fn start(&mut self, service: Service) -> Result<()> {
        interrupts::check()?;
        self.members.push(Member::start(service, &self.run_folder)?);
        Ok(())
    }

    /// Starts again who has died; call it often.
    pub(crate) fn tend(&mut self) {
        self.members.iter_mut().for_each(Member::tend);
    }

    /// Keeps everything running until `ready` says yes; `Ok(false)` when it never did.
    pub(crate) fn tend_until(
        &mut self,
        patience: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<bool> {
        let deadline = Instant::now() + patience;
        while !ready() {
            let hopeless = self.members.iter().any(|member| member.deaths() >= DEATHS_MAX);
            if hopeless || Instant::now() > deadline {
                return Ok(false);
            }
            interrupts::check()?;
            self.tend();
            thread::sleep(GLANCE);
        }
        Ok(true)
    }

    /// Keeps everything running until the developer asks to stop.
    pub(crate) fn tend_until_interrupted(&mut self) {
        while interrupts::received() == 0 {
            self.tend();
            thread::sleep(GLANCE);
        }
    }

    /// Drains and ends our own processes, then stops the servers.
    pub(crate) fn stop(&mut self) {
        let (mut servers, mut processes): (Vec<_>, Vec<_>) =
            self.members.drain(..).partition(|member| matches!(member.role(), Role::Server(_)));
        if !processes.is_empty() {
            say("stopping: waiting for work in progress (Ctrl-C again to kill it) …");
        }
        let asked = interrupts::received();
        end(&mut processes, DRAIN_MAX, || interrupts::received() > asked);
        end(&mut servers, SHUTDOWN_MAX, || false);
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Ends `members`, the last started first; who is still there afterwards is killed.
fn end(members: &mut [Member], patience: Duration, hurry: impl Fn() -> bool) {
    let deadline = Instant::now() + patience;
    members.iter().rev().for_each(Member::ask_to_end);
    loop {
        // Every member is looked at, so that none stays behind as a zombie.
        let ended =
            members.iter_mut().filter_map(|member| member.has_ended().then_some(())).count();
        if ended == members.len() || Instant::now() > deadline || hurry() {
            break;
        }
        thread::sleep(GLANCE);
    }
    for member in members {
        member.kill();
        member.bury();
    }
}
