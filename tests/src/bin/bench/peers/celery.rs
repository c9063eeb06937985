//! Celery on Redis, with late acknowledgements: the setting under which it loses no task of a killed worker.

use std::process::Stdio;
use std::time::Instant;

use redis::AsyncCommands;
use redis::aio::ConnectionManager;
use tokio::process::{Child, Command};

use super::{FINISHED_WITHIN, LOOK_EVERY, program};
use crate::Bench;
use crate::failure::{Attempt, Result};
use crate::meter::{Meter, Worker};
use crate::series::Turn;

const PYTHON: &str = "celery/bin/python";
/// A database of Redis' own: its keys have no prefix.
const DATABASE: u8 = 15;
/// Its queue, and what it holds until acknowledged.
const QUEUE: &str = "celery";
const UNACKNOWLEDGED: &str = "unacked";

/// Whether it is there.
pub(super) fn prepare(bench: &Bench) -> Result<()> {
    bench.peers.find(PYTHON).map(drop)
}

fn broker(bench: &Bench) -> String {
    let url = bench.servers.redis_url();
    format!("{}/{DATABASE}", url.trim_end_matches("/0"))
}

fn python(bench: &Bench, arguments: &[&str]) -> Result<Command> {
    let mut python = Command::new(bench.peers.find(PYTHON)?);
    python.current_dir(program("celery")).args(arguments);
    python.env("BROKER_URL", broker(bench)).env("PYTHONDONTWRITEBYTECODE", "1");
    python.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    Ok(python)
}

/// One turn: from the first task taken until none waits and none is unacknowledged.
pub(super) async fn turn(bench: &Bench, jobs: usize) -> Result<Turn> {
    let client = redis::Client::open(broker(bench)).attempt("BENCH_REDIS_URL")?;
    let mut redis = client.get_connection_manager().await.attempt("Redis does not answer")?;
    redis::cmd("FLUSHDB").query_async::<()>(&mut redis).await.attempt("Redis is not emptied")?;
    let filled = python(bench, &["app.py", &jobs.to_string()])?.status().await;
    if !filled.attempt("Python does not run")?.success() || waiting(&mut redis).await? != jobs {
        return Err(format!("{jobs} tasks were not sent"));
    }
    let arguments = ["-m", "celery", "-A", "app", "worker", "--loglevel=ERROR", "-O", "fair"];
    let quiet = ["--without-gossip", "--without-mingle"];
    let mut child = python(bench, &[&arguments[..], &quiet].concat())?
        .spawn()
        .attempt("Celery does not run")?;
    let pid = child.id().attempt("Celery has ended")?;
    let begun = Instant::now();
    // Its start is not counted: time runs from the last look at which nothing was taken.
    let mut started = begun;
    while waiting(&mut redis).await? == jobs {
        started = Instant::now();
        look(&mut child, begun).await?;
    }
    let meter = Meter::start(&bench.servers, Worker::Process(pid)).await?;
    while waiting(&mut redis).await? > 0 || unacknowledged(&mut redis).await? > 0 {
        look(&mut child, begun).await?;
    }
    let elapsed = started.elapsed();
    let cost = meter.finish(jobs).await?;
    end(bench, child).await?;
    Ok(Turn { rate: jobs as f64 / elapsed.as_secs_f64(), latencies: Vec::new(), cost })
}

async fn waiting(redis: &mut ConnectionManager) -> Result<usize> {
    redis.llen(QUEUE).await.attempt("Redis does not answer")
}

async fn unacknowledged(redis: &mut ConnectionManager) -> Result<usize> {
    redis.hlen(UNACKNOWLEDGED).await.attempt("Redis does not answer")
}

async fn look(child: &mut Child, begun: Instant) -> Result<()> {
    if let Some(status) = child.try_wait().attempt("Celery is gone")? {
        return Err(format!("Celery ended: {status}"));
    }
    if begun.elapsed() > FINISHED_WITHIN {
        return Err("Celery does not finish".to_owned());
    }
    tokio::time::sleep(LOOK_EVERY).await;
    Ok(())
}

/// Asks it to end over its own control channel: a killed parent would leave its processes behind.
async fn end(bench: &Bench, mut child: Child) -> Result<()> {
    python(bench, &["-m", "celery", "-A", "app", "control", "shutdown"])?
        .status()
        .await
        .attempt("Python does not run")?;
    let ended = tokio::time::timeout(FINISHED_WITHIN, child.wait()).await;
    ended.attempt("Celery does not end")?.attempt("Celery is gone").map(drop)
}
