//! River's official Rust client, by its own bench. It says its own rate, after its own durable completions.

use std::process::Stdio;
use std::time::Instant;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use super::{FINISHED_WITHIN, LOOK_EVERY};
use crate::Bench;
use crate::failure::{Attempt, Result};
use crate::meter::{Meter, Worker};
use crate::series::Turn;
use crate::servers::{Database, number};

const PROGRAM: &str = "river/bin/riverqueue";

/// Its database, with its schema.
static DATABASE: OnceCell<Database> = OnceCell::const_new();

/// Makes its database.
pub(super) async fn prepare(bench: &Bench) -> Result<()> {
    let program = bench.peers.find(PROGRAM)?;
    let make = async || {
        let database = bench.servers.empty_database("river").await?;
        let mut migrate = Command::new(&program);
        migrate.arg("migrate-up").args(["--database-url", database.owner.as_str()]);
        let output = migrate.kill_on_drop(true).output().await.attempt("River does not run")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("River does not migrate: {}", said.trim()));
        }
        Ok(database)
    };
    DATABASE.get_or_try_init(make).await.map(drop)
}

/// One turn: it inserts everything, then works it.
pub(super) async fn turn(
    bench: &Bench,
    jobs: usize,
    workers: usize,
    connections: usize,
) -> Result<Turn> {
    let program = bench.peers.find(PROGRAM)?;
    let database = DATABASE.get().attempt("River has no database")?;
    let mut child = Command::new(program)
        .arg("bench")
        .args(["--database-url", database.owner.as_str()])
        .args(["--num-total-jobs", &jobs.to_string()])
        .args(["--max-workers", &workers.to_string()])
        .args(["--max-connections", &connections.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .attempt("River does not run")?;
    let pid = child.id().attempt("River has ended")?;
    let mut output = child.stdout.take().attempt("River has no output")?;
    inserted(&mut child, database, jobs).await?;
    let meter = Meter::start(&bench.servers, Worker::Ending(pid)).await?;
    let mut said = String::new();
    let ended = async {
        output.read_to_string(&mut said).await.attempt("River is not understood")?;
        child.wait().await.attempt("River is gone")
    };
    let status = tokio::time::timeout(FINISHED_WITHIN, ended).await;
    let status = status.attempt("River does not finish")??;
    let cost = meter.finish(jobs).await?;
    let mut admin = database.admin().await?;
    let done =
        number(&mut admin, "SELECT count(*) FROM river_job WHERE state = 'completed'").await?;
    if !status.success() || usize::try_from(done) != Ok(jobs) {
        return Err(format!("River ended with {status} and {done} of {jobs} jobs"));
    }
    let rate = rate(&said).attempt("River says no rate")?;
    Ok(Turn { rate, latencies: Vec::new(), cost })
}

/// Waits until all jobs are in its table: working them begins then.
async fn inserted(child: &mut Child, database: &Database, jobs: usize) -> Result<()> {
    let mut admin = database.admin().await?;
    let started = Instant::now();
    // Its table is locked while it is vacuumed, so the first look may wait.
    while number(&mut admin, "SELECT count(*) FROM river_job WHERE id > 0").await?
        < i64::try_from(jobs).attempt("few")?
    {
        if let Some(status) = child.try_wait().attempt("River is gone")? {
            return Err(format!("River ended: {status}"));
        }
        if started.elapsed() > FINISHED_WITHIN {
            return Err("River does not insert its jobs".to_owned());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// `…, overall job/sec [    8321.4 ], …`
fn rate(said: &str) -> Option<f64> {
    let (_, rest) = said.rsplit_once("overall job/sec [")?;
    rest.split(']').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn the_rate_is_the_overall_one() {
        let said = "bench: jobs worked [ 10 ], inserted [ 0 ], job/sec [ 5.0 ] [2.0s]\n\
                    bench: total jobs worked [ 10 ], total jobs inserted [ 10 ], overall job/sec [    8321.4 ], p95 [ 0.1s ], running 1.2s\n";
        assert_eq!(rate(said), Some(8_321.4));
        assert_eq!(rate("nothing"), None);
    }
}
