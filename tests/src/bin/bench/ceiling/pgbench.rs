//! pgbench: recorded statements, sent by the cheapest client there is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::failure::{Attempt, Result};
use crate::series::Timed;
use crate::servers::{Database, Servers};

/// A script on disk, and where its logs go. Dropping it removes both.
pub(crate) struct Pgbench {
    folder: PathBuf,
}

/// How much pgbench does in one turn.
pub(crate) struct Load<'a> {
    /// Connections, each doing one script after another.
    pub(crate) clients: usize,
    /// Scripts per connection.
    pub(crate) each: usize,
    /// Variables besides `each` and the counter `i`.
    pub(crate) variables: &'a [(&'a str, i64)],
}

impl Drop for Pgbench {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

impl Pgbench {
    /// Writes a script down under a name, and a copy for whoever wants to read it.
    pub(crate) fn prepare(name: &str, text: &str, copy: Option<&Path>) -> Result<Self> {
        let folder =
            std::env::temp_dir().join(format!("wibe-pgbench-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).attempt(folder.display())?;
        let pgbench = Self { folder };
        for path in [Some(pgbench.script().as_path()), copy].into_iter().flatten() {
            fs::write(path, text).attempt(path.display())?;
        }
        Ok(pgbench)
    }

    fn script(&self) -> PathBuf {
        self.folder.join("script.sql")
    }

    /// Runs the script `clients × each` times. Fails unless every run succeeds.
    pub(crate) async fn run(
        &self,
        servers: &Servers,
        database: &Database,
        load: &Load<'_>,
    ) -> Result<Timed> {
        let logs = self.folder.join("log");
        fs::create_dir_all(&logs).attempt(logs.display())?;
        let wanted = load.clients * load.each;
        let output = self
            .command(servers, database, load, &logs)
            .output()
            .await
            .attempt("pgbench does not run")?;
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let processed = said
            .lines()
            .find_map(|line| line.strip_prefix("number of transactions actually processed: "));
        if !output.status.success() || processed != Some(&format!("{wanted}/{wanted}")) {
            let complaint = complained
                .lines()
                .find(|line| line.contains("error:") || line.contains("ERROR"))
                .unwrap_or("");
            return Err(format!(
                "pgbench ran {} scripts of {wanted}: {complaint}",
                processed.unwrap_or("no")
            ));
        }
        let rate = said
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
        let rate = rate.filter(|rate| *rate > 0.0).attempt("pgbench says no rate")?;
        let latencies = latencies(&logs)?;
        fs::remove_dir_all(&logs).ok();
        Ok(Timed { elapsed: Duration::from_secs_f64(wanted as f64 / rate), latencies })
    }

    fn command(
        &self,
        servers: &Servers,
        database: &Database,
        load: &Load<'_>,
        logs: &Path,
    ) -> Command {
        let mut command = Command::new(&servers.pgbench);
        command.args(["--no-vacuum", "--protocol=prepared", "--log"]);
        command
            .arg(format!("--client={}", load.clients))
            .arg(format!("--jobs={}", load.clients.min(2)))
            .arg(format!("--transactions={}", load.each))
            .arg(format!("--define=each={}", load.each))
            .arg("--define=i=0");
        for (name, value) in load.variables {
            command.arg(format!("--define={name}={value}"));
        }
        command.arg("--log-prefix").arg(logs.join("turn")).arg("--file").arg(self.script());
        // What it says is read, and the caller's own settings are not for it.
        command.env_clear().env("LC_ALL", "C");
        let url = &database.app;
        command
            .env("PGHOST", url.host_str().unwrap_or("localhost"))
            .env("PGPORT", url.port().unwrap_or(5432).to_string());
        command.env("PGUSER", url.username()).env("PGPASSWORD", url.password().unwrap_or_default());
        command.env("PGDATABASE", url.path().trim_start_matches('/'));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// The third column of every log: how long the script took, in microseconds.
fn latencies(logs: &Path) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for log in fs::read_dir(logs).attempt("pgbench's logs")?.flatten() {
        let log = fs::read_to_string(log.path()).attempt("pgbench's log")?;
        let columns = log.lines().filter_map(|line| line.split(' ').nth(2)?.parse().ok());
        latencies.extend(columns.map(Duration::from_micros));
    }
    Ok(latencies)
}
