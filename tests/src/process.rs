//! Real processes: the platform's binaries and a Redis of a test's own, to stop, kill and wipe.

use std::collections::HashMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::environment;

/// A child process that is killed when it is dropped.
pub struct Process(Child);

impl Process {
    /// Starts one of the built binaries with exactly these variables.
    pub fn start(binary: &str, variables: &HashMap<String, String>) -> Self {
        let output = || {
            if std::env::var_os("TEST_LOGS").is_some() { Stdio::inherit() } else { Stdio::null() }
        };
        Self::spawn(binary, variables, output(), output())
    }

    /// Starts one of the built binaries with its log in a file.
    pub fn start_with_log(binary: &str, variables: &HashMap<String, String>, log: &Path) -> Self {
        let file = File::create(log).expect("a log file");
        Self::spawn(binary, variables, Stdio::from(file), Stdio::null())
    }

    fn spawn(
        binary: &str,
        variables: &HashMap<String, String>,
        output: Stdio,
        errors: Stdio,
    ) -> Self {
        let program = environment().binaries.join(binary);
        let child = Command::new(&program)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        Self(child)
    }

    /// Sends a signal by name, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.0.id().to_string())
            .status()
            .expect("kill runs");
        assert!(sent.success(), "signal {name} reaches {}", self.0.id());
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        self.0.kill().expect("is killed");
        self.0.wait().expect("is reaped");
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.0.try_wait().expect("can be asked")
    }

    /// SIGTERM, and waits for its exit status.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        self.signal("TERM");
        self.0.wait().expect("ends")
    }
}

impl From<Child> for Process {
    fn from(child: Child) -> Self {
        Self(child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A stopped process is killed too; an ended one has nothing to kill.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A Redis server of a test's own.
pub struct RedisServer {
    process: Option<Process>,
    port: u16,
}

impl RedisServer {
    /// Starts one on a free port, without persistence.
    pub async fn start() -> Self {
        let port = free_port();
        let mut server = Self { process: None, port };
        server.restart().await;
        server
    }

    /// Starts it again, empty, on the same port.
    pub async fn restart(&mut self) {
        self.stop();
        let child = Command::new(&environment().redis_server)
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--daemonize",
                "no",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        self.process = Some(Process(child));
        eventually("Redis answers", async || {
            redis::Client::open(self.url()).expect("a URL").get_connection().is_ok()
        })
        .await;
    }

    /// Kills it.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// `FLUSHALL`.
    pub fn wipe(&self) {
        let mut conn =
            redis::Client::open(self.url()).expect("a URL").get_connection().expect("answers");
        redis::cmd("FLUSHALL").exec(&mut conn).expect("flushes");
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }
}

/// A port nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
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
