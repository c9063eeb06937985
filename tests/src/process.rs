//! Real processes: the platform's binaries, to stop and to kill.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rand::Rng as _;

use crate::environment;

/// Below the range from which systems take the ports of outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A child process that is killed when it is dropped. What a killed run leaves behind is found by its pid file.
pub struct Process {
    child: Child,
    pid_file: PathBuf,
}

impl Process {
    /// Starts one of the built binaries with exactly these variables.
    pub fn start(binary: &str, variables: &HashMap<String, String>) -> Self {
        Self::launch(Self::command(binary, variables))
    }

    /// Starts one of the built binaries with these arguments and exactly these variables.
    pub fn start_with_args(
        binary: &str,
        args: &[&str],
        variables: &HashMap<String, String>,
    ) -> Self {
        let mut command = Self::command(binary, variables);
        command.args(args);
        Self::launch(command)
    }

    /// Starts one of the built binaries and keeps what it says.
    pub fn start_with_log(binary: &str, variables: &HashMap<String, String>, log: &Path) -> Self {
        let mut command = Self::command(binary, variables);
        fs::create_dir_all(log.parent().expect("a folder")).expect("a folder for logs");
        let log = File::options().create(true).append(true).open(log).expect("a log file");
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        Self::launch(command)
    }

    fn command(binary: &str, variables: &HashMap<String, String>) -> Command {
        let mut command = Command::new(environment().binaries.join(binary));
        command.env_clear().envs(variables);
        if std::env::var_os("TEST_LOGS").is_none() {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        command
    }

    /// Starts any program in the run's folder.
    pub(crate) fn launch(mut command: Command) -> Self {
        let program = command.get_program().to_owned();
        let folder = &environment().folder;
        if command.get_current_dir().is_none() {
            command.current_dir(folder);
        }
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let name = Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
        let pid_file = folder.join("run").join(format!("{name}-{}.pid", child.id()));
        fs::write(&pid_file, format!("{}\n", child.id())).expect("a pid file");
        Self { child, pid_file }
    }

    /// The system's name for it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.id().to_string())
            .status()
            .expect("kill runs");
        assert!(sent.success(), "signal {name} reaches {}", self.id());
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().expect("is killed");
        self.child.wait().expect("is reaped");
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("can be asked")
    }

    /// Whether it is stopped by a signal.
    pub fn is_stopped(&self) -> bool {
        let state = Command::new("ps").args(["-o", "stat=", "-p", &self.id().to_string()]).output();
        state.is_ok_and(|state| state.stdout.starts_with(b"T"))
    }

    /// SIGTERM, and waits for its exit status.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for its exit status.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("ends")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A stopped process is killed too; an ended one has nothing to kill.
        self.child.kill().ok();
        self.child.wait().ok();
        fs::remove_file(&self.pid_file).ok();
    }
}

/// What a command said, and its exit status.
pub struct Finished {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Finished {
    /// Runs one of the built binaries to its end with exactly these variables.
    pub fn run(binary: &str, args: &[&str], variables: &HashMap<String, String>) -> Self {
        let program = environment().binaries.join(binary);
        let output = Command::new(&program)
            .args(args)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Fails unless the exit status is this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    /// What it said, as JSON: one document.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("JSON: {}", self.out))
    }
}

/// A port nobody listens on, and that nobody else in this process was told.
pub fn free_port() -> u16 {
    static TAKEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut taken = TAKEN.lock().expect("not poisoned");
    let taken = taken.get_or_insert_default();
    loop {
        let port = rand::rng().random_range(PORTS);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && taken.insert(port) {
            return port;
        }
    }
}

/// Waits until something outside this process has happened; fails with its name after two minutes.
pub async fn eventually(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !happened().await {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "in two minutes it did not happen that {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
