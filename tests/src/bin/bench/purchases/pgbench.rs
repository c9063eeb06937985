//! pgbench's side: the recorded statements, sent by the cheapest client there is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::http::Bought;
use super::script::Script;
use super::stock::SALES_TABLE;
use crate::failure::{Attempt, Result};
use crate::servers::{Database, Servers};

/// A script on disk, and where its logs go. Dropping it removes both.
pub(crate) struct Pgbench {
    folder: PathBuf,
}

impl Drop for Pgbench {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

impl Pgbench {
    /// Writes the script down, and a copy for whoever wants to read it.
    pub(crate) fn prepare(script: &Script, copy: Option<&Path>) -> Result<Self> {
        let folder =
            std::env::temp_dir().join(format!("wibe-bench-pgbench-{}", std::process::id()));
        fs::create_dir_all(&folder).attempt(folder.display())?;
        let pgbench = Self { folder };
        // The one statement that the API does not send: it is told by its client who buys what.
        let choose = format!(
            "\\set i :i + 1\n\\set n :first + :client_id * :each + :i - 1\nSELECT * FROM {SALES_TABLE} WHERE n = :n \\gset\n"
        );
        let text = format!("{choose}{}", script.text);
        for path in [Some(pgbench.script().as_path()), copy].into_iter().flatten() {
            fs::write(path, &text).attempt(path.display())?;
        }
        Ok(pgbench)
    }

    fn script(&self) -> PathBuf {
        self.folder.join("purchase.sql")
    }

    /// Makes `clients × each` purchases, beginning with the one of number `first`.
    pub(crate) async fn run(
        &self,
        servers: &Servers,
        database: &Database,
        first: i32,
        clients: usize,
        each: usize,
    ) -> Result<Bought> {
        let logs = self.folder.join("log");
        fs::create_dir_all(&logs).attempt(logs.display())?;
        let url = &database.app;
        let mut command = Command::new(&servers.pgbench);
        command.args(["--no-vacuum", "--protocol=prepared", "--log"]);
        command.arg(format!("--client={clients}")).arg(format!("--jobs={}", clients.min(2)));
        command.arg(format!("--transactions={each}"));
        command
            .arg(format!("--define=first={first}"))
            .arg(format!("--define=each={each}"))
            .arg("--define=i=0");
        command.arg("--log-prefix").arg(logs.join("turn")).arg("--file").arg(self.script());
        // What it says is read below, and the caller's own settings are not for it.
        command.env_clear().env("LC_ALL", "C");
        command
            .env("PGHOST", url.host_str().unwrap_or("localhost"))
            .env("PGPORT", url.port().unwrap_or(5432).to_string());
        command.env("PGUSER", url.username()).env("PGPASSWORD", url.password().unwrap_or_default());
        command.env("PGDATABASE", url.path().trim_start_matches('/'));
        let output = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .attempt("pgbench does not run")?;
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let wanted = format!("{0}/{0}", clients * each);
        let processed = said
            .lines()
            .find_map(|line| line.strip_prefix("number of transactions actually processed: "));
        if !output.status.success() || processed != Some(&wanted) {
            let complaint = complained
                .lines()
                .find(|line| line.contains("error:") || line.contains("ERROR"))
                .unwrap_or("");
            return Err(format!(
                "pgbench made {} purchases of {}: {complaint}",
                processed.unwrap_or("no"),
                clients * each
            ));
        }
        let rate = said
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
        let rate = rate.filter(|rate| *rate > 0.0).attempt("pgbench says no rate")?;
        let latencies = latencies(&logs)?;
        fs::remove_dir_all(&logs).ok();
        Ok(Bought { elapsed: Duration::from_secs_f64((clients * each) as f64 / rate), latencies })
    }
}

/// The third column of every log: how long the purchase took, in microseconds.
fn latencies(logs: &Path) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for log in fs::read_dir(logs).attempt("pgbench's logs")?.flatten() {
        let log = fs::read_to_string(log.path()).attempt("pgbench's log")?;
        let columns = log.lines().filter_map(|line| line.split(' ').nth(2)?.parse().ok());
        latencies.extend(columns.map(Duration::from_micros));
    }
    Ok(latencies)
}
