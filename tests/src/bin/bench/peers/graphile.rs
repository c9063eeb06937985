//! graphile-worker, with the settings of its own benchmark.

use std::process::Stdio;
use std::time::Instant;

use tokio::process::Command;
use tokio::sync::OnceCell;

use super::{FINISHED_WITHIN, LOOK_EVERY, program};
use crate::Bench;
use crate::failure::{Attempt, Result};
use crate::meter::{Meter, Worker};
use crate::series::Turn;
use crate::servers::{Database, number};

const MODULES: &str = "graphile/node_modules";
const JOBS: &str = "graphile_worker._private_jobs";

/// Its database.
static DATABASE: OnceCell<Database> = OnceCell::const_new();

/// Makes its database and its schema.
pub(super) async fn prepare(bench: &Bench) -> Result<()> {
    bench.peers.find(&format!("{MODULES}/graphile-worker"))?;
    DATABASE.get_or_try_init(|| bench.servers.empty_database("graphile")).await?;
    run(bench, "fill", 0).await
}

fn node(bench: &Bench, command: &str, jobs: usize) -> Result<Command> {
    let database = DATABASE.get().attempt("graphile-worker has no database")?;
    let mut node = Command::new("node");
    node.arg(program("graphile/run.cjs")).args([command, &jobs.to_string()]);
    node.env("NODE_PATH", bench.peers.find(MODULES)?);
    node.env("DATABASE_URL", database.owner.as_str()).env("NO_LOG_SUCCESS", "1");
    node.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    Ok(node)
}

async fn run(bench: &Bench, command: &str, jobs: usize) -> Result<()> {
    let status = node(bench, command, jobs)?.status().await.attempt("node does not run")?;
    if status.success() { Ok(()) } else { Err(format!("its program ended: {status}")) }
}

/// One turn: from the first job taken until its table is empty.
pub(super) async fn turn(bench: &Bench, jobs: usize) -> Result<Turn> {
    run(bench, "fill", jobs).await?;
    let database = DATABASE.get().attempt("graphile-worker has no database")?;
    database.settle().await?;
    let mut admin = database.admin().await?;
    let untouched =
        format!("SELECT (count(*) = {jobs} AND bool_and(locked_at IS NULL))::int FROM {JOBS}");
    if number(&mut admin, &untouched).await? != 1 {
        return Err(format!("{jobs} jobs were not recorded"));
    }
    let mut child = node(bench, "work", 0)?.spawn().attempt("node does not run")?;
    let pid = child.id().attempt("node has ended")?;
    let begun = Instant::now();
    // Its start is not counted: time runs from the last look at which nothing was taken.
    let mut started = begun;
    while number(&mut admin, &untouched).await? == 1 {
        started = Instant::now();
        if begun.elapsed() > FINISHED_WITHIN {
            return Err("it takes no job".to_owned());
        }
        if let Some(status) = child.try_wait().attempt("node is gone")? {
            return Err(format!("its program ended: {status}"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let meter = Meter::start(&bench.servers, Worker::Process(pid)).await?;
    let left = format!("SELECT (EXISTS (SELECT FROM {JOBS}))::int");
    while number(&mut admin, &left).await? == 1 {
        if started.elapsed() > FINISHED_WITHIN {
            return Err("it does not finish".to_owned());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let elapsed = started.elapsed();
    let cost = meter.finish(jobs).await?;
    child.kill().await.attempt("node does not end")?;
    Ok(Turn { rate: jobs as f64 / elapsed.as_secs_f64(), latencies: Vec::new(), cost })
}
