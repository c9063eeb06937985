//! One process that we start, watch, start again and end.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::console::{relay_all, say};
use crate::failure::{Attempt, Result};
use crate::files;

const BACK_OFF_MIN: Duration = Duration::from_millis(500);
const BACK_OFF_MAX: Duration = Duration::from_secs(10);
/// Who lived this long has recovered: its next death is a first one again.
const RECOVERED_AFTER: Duration = Duration::from_secs(30);

/// What a process is to us: it decides when and how it is ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// One of ours: ended first, drains on SIGTERM.
    Process,
    /// What they call, such as Postgres or Redis: ended last, by the signal that makes it stop fast and tidily.
    Server(Signal),
}

/// Where a process's output goes.
pub(crate) enum Output {
    /// To the developer, with the process's name in front of each line.
    Console,
    /// To a log file.
    File(PathBuf),
}

/// How to start a process, as often as it takes.
pub(crate) struct Service {
    /// The name in front of its log lines and of its pid file.
    pub(crate) name: String,
    /// What to run.
    pub(crate) command: Command,
    /// When and how to end it.
    pub(crate) role: Role,
    /// Where its output goes.
    pub(crate) output: Output,
}

/// A service that was started and is to be kept running.
pub(crate) struct Member {
    service: Service,
    pid_file: PathBuf,
    child: Option<Child>,
    started: Instant,
    deaths: u32,
    retry_at: Instant,
    relays: Vec<JoinHandle<()>>,
}

impl Member {
    /// Starts the service for the first time.
    pub(crate) fn start(service: Service, run_folder: &Path) -> Result<Self> {
        let mut member = Self {
            pid_file: run_folder.join(format!("{}.pid", service.name)),
            service,
            child: None,
            started: Instant::now(),
            deaths: 0,
            retry_at: Instant::now(),
            relays: Vec::new(),
        };
        member.spawn().inspect_err(|_| member.kill())?;
        Ok(member)
    }

    /// The role it was started with.
    pub(crate) fn role(&self) -> Role {
        self.service.role
    }

    /// How often it died without having recovered in between.
    pub(crate) fn deaths(&self) -> u32 {
        self.deaths
    }

    /// Notices a death, and starts the dead again when their time has come.
    pub(crate) fn tend(&mut self) {
        if let Some(status) = self.reap() {
            self.mourn(format_args!("died ({status})"));
        } else if self.child.is_none()
            && Instant::now() >= self.retry_at
            && let Err(error) = self.spawn()
        {
            self.mourn(error);
        }
    }

    /// Asks the process to end, in the way of its role.
    pub(crate) fn ask_to_end(&self) {
        match self.service.role {
            Role::Process => self.signal_group(Signal::SIGTERM),
            // Its own children are its own affair: only the server itself is told.
            Role::Server(signal) => {
                self.pid().map(|pid| kill(pid, signal).ok());
            }
        }
    }

    /// Ends the process and its group at once.
    pub(crate) fn kill(&mut self) {
        self.signal_group(Signal::SIGKILL);
        if let Some(mut child) = self.child.take() {
            child.wait().ok();
        }
    }

    /// Whether the process has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.reap();
        self.child.is_none()
    }

    /// Waits a moment for its last words, and forgets its pid.
    pub(crate) fn bury(&mut self) {
        let patience = Instant::now() + BACK_OFF_MIN;
        while self.relays.iter().any(|relay| !relay.is_finished()) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        files::remove(&self.pid_file).ok();
    }

    fn spawn(&mut self) -> Result<()> {
        let name = &self.service.name;
        let doing = format!("cannot start {name}");
        let command = self.service.command.stdin(Stdio::null()).process_group(0);
        match &self.service.output {
            Output::Console => command.stdout(Stdio::piped()).stderr(Stdio::piped()),
            Output::File(path) => {
                let log =
                    OpenOptions::new().create(true).append(true).open(path).attempt(&doing)?;
                let log_too = log.try_clone().attempt(&doing)?;
                command.stdout(log).stderr(log_too)
            }
        };
        let mut child = command.spawn().attempt(&doing)?;
        let pid = child.id();
        let output = child.stdout.take().map(|stream| relay_all(name, stream));
        let errors = child.stderr.take().map(|stream| relay_all(name, stream));
        self.relays = output.into_iter().chain(errors).collect();
        self.started = Instant::now();
        self.child = Some(child);
        files::write(&self.pid_file, &format!("{pid}\n"), 0o644)
    }

    fn reap(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        self.child = None;
        Some(status)
    }

    /// Tells the developer, and decides when to try again.
    fn mourn(&mut self, what: impl std::fmt::Display) {
        if self.started.elapsed() > RECOVERED_AFTER {
            self.deaths = 0;
        }
        let pause = BACK_OFF_MIN.saturating_mul(1 << self.deaths.min(10)).min(BACK_OFF_MAX);
        self.deaths += 1;
        self.retry_at = Instant::now() + pause;
        let millis = pause.as_millis();
        say(format_args!("{} {what}; starting it again in {millis} ms", self.service.name));
    }

    fn signal_group(&self, signal: Signal) {
        self.pid().map(|pid| killpg(pid, signal).ok());
    }

    fn pid(&self) -> Option<Pid> {
        self.child.as_ref().map(|child| Pid::from_raw(child.id().cast_signed()))
    }
}
