//! The machine: what it has, and what its processes have used.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use redis::aio::ConnectionManager;

use crate::failure::Result;
use crate::servers::{Servers, number, text};

/// Linux counts processor time for `/proc` in hundredths of a second, whatever the kernel's own tick is.
const TICK: Duration = Duration::from_millis(10);

/// One line about the machine and its servers.
pub(crate) async fn facts(servers: &Servers) -> Result<String> {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let mut admin = servers.admin().await?;
    let version = text(&mut admin, "current_setting('server_version')").await?;
    let mut careless = Vec::new();
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let value = text(&mut admin, &format!("current_setting('{setting}')")).await?;
        if value == "off" {
            careless.push(format!("{setting}=off"));
        }
    }
    let mut cache = servers.redis().await?;
    for (setting, careful) in [("appendonly", "yes"), ("appendfsync", "everysec")] {
        let value = config(&mut cache, setting).await.unwrap_or_else(|| "?".to_owned());
        if value != careful {
            careless.push(format!("Redis {setting}={value}"));
        }
    }
    let durable = if careless.is_empty() {
        "fsync, synchronous_commit and full_page_writes on, AOF every second".to_owned()
    } else {
        format!("NOT DURABLE: {}", careless.join(", "))
    };
    let redis = info(&mut cache, "server")
        .await
        .and_then(|info| field(&info, "redis_version").map(str::to_owned));
    let load = fs::read_to_string("/proc/loadavg").ok();
    let load = load.as_deref().and_then(|line| line.split(' ').next()).unwrap_or("?");
    let build = if cfg!(debug_assertions) { "DEBUG build" } else { "release build" };
    Ok(format!(
        "{cores} cores (load {load} at the start), PostgreSQL {version} and Redis {} ({durable}), {build}",
        redis.as_deref().unwrap_or("?")
    ))
}

/// Processor time of a process.
#[derive(Clone, Copy)]
struct Used {
    parent: u32,
    own: Duration,
    /// Its ended and awaited children's.
    children: Duration,
}

fn used(pid: u32) -> Option<Used> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(Used {
        parent: ticks(1)?,
        own: TICK * (ticks(11)? + ticks(12)?),
        children: TICK * (ticks(13)? + ticks(14)?),
    })
}

/// Every process of the machine.
fn everybody() -> HashMap<u32, Used> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, used(pid)?))).collect()
}

/// Processor time of a process so far; nothing where there is no `/proc`.
pub(crate) fn of_process(pid: u32) -> Option<Duration> {
    used(pid).map(|used| used.own)
}

/// Processor time of a process and all that it has started, ended ones included.
pub(crate) fn of_tree(pid: u32) -> Option<Duration> {
    let everybody = everybody();
    let mut family = vec![pid];
    let mut total = Duration::ZERO;
    let mut next = 0;
    while let Some(member) = family.get(next).copied() {
        let used = everybody.get(&member)?;
        total += used.own + used.children;
        family.extend(
            everybody.iter().filter(|(_, used)| used.parent == member).map(|(child, _)| *child),
        );
        next += 1;
    }
    Some(total)
}

/// The memory that a process holds, in kilobytes.
pub(crate) fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().split(' ').next()?.parse().ok()
}

/// Processor time of this process' ended children so far.
pub(crate) fn of_children() -> Option<Duration> {
    used(std::process::id()).map(|used| used.children)
}

/// Processor time of the database server so far: its first process, all its children, and those that have ended.
pub(crate) async fn of_postgres(conn: &mut AsyncPgConnection) -> Option<Duration> {
    let backend = u32::try_from(number(conn, "pg_backend_pid()").await.ok()?).ok()?;
    let first = used(backend)?.parent;
    let server = used(first)?;
    let children: Duration =
        everybody().values().filter(|used| used.parent == first).map(|used| used.own).sum();
    Some(server.own + server.children + children)
}

/// Processor time of Redis so far.
pub(crate) async fn of_redis(conn: &mut ConnectionManager) -> Option<Duration> {
    let info = info(conn, "cpu").await?;
    let seconds = |name: &str| field(&info, name)?.parse::<f64>().ok();
    Duration::try_from_secs_f64(seconds("used_cpu_user")? + seconds("used_cpu_sys")?).ok()
}

async fn config(conn: &mut ConnectionManager, setting: &str) -> Option<String> {
    let pair: Vec<String> =
        redis::cmd("CONFIG").arg("GET").arg(setting).query_async(conn).await.ok()?;
    pair.into_iter().nth(1)
}

async fn info(conn: &mut ConnectionManager, section: &str) -> Option<String> {
    redis::cmd("INFO").arg(section).query_async(conn).await.ok()
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}
