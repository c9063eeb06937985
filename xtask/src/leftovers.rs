//! What a `kill -9` of an earlier run left behind: found by its pid file, ended only if it is ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::console::say;
use crate::failure::Result;
use crate::files;
use crate::interrupts::GLANCE;

/// How long a leftover may take to end; its work is safe, by promise, if it is killed.
const PATIENCE: Duration = Duration::from_secs(10);

struct Leftover {
    name: String,
    pid: Pid,
    pid_file: PathBuf,
}

/// Ends every living process named in `run_folder` that works in one of `folders`.
pub(crate) fn clear(run_folder: &Path, folders: &[&Path]) -> Result<()> {
    let (servers, processes): (Vec<_>, Vec<_>) =
        find(run_folder).into_iter().partition(|found| signal(&found.name) != Signal::SIGKILL);
    for group in [processes, servers] {
        let alive = || group.iter().filter(|found| is_ours(found, folders));
        for found in alive() {
            say(format_args!("ending {} (pid {}), left by a killed run", found.name, found.pid));
            kill(found.pid, signal(&found.name)).ok();
        }
        let deadline = Instant::now() + PATIENCE;
        while alive().next().is_some() && Instant::now() < deadline {
            thread::sleep(GLANCE);
        }
        for found in alive() {
            kill(found.pid, Signal::SIGKILL).ok();
        }
        for found in &group {
            files::remove(&found.pid_file)?;
        }
    }
    Ok(())
}

fn find(run_folder: &Path) -> Vec<Leftover> {
    let Ok(entries) = fs::read_dir(run_folder) else { return Vec::new() };
    entries
        .filter_map(|entry| {
            let pid_file = entry.ok()?.path();
            let name = pid_file.file_name()?.to_str()?.strip_suffix(".pid")?.to_owned();
            let pid = fs::read_to_string(&pid_file).ok()?.trim().parse().ok()?;
            Some(Leftover { name, pid: Pid::from_raw(pid), pid_file })
        })
        .collect()
}

/// Servers stop tidily (Postgres: fast); our own processes are safe to kill.
fn signal(name: &str) -> Signal {
    match name {
        "postgres" => Signal::SIGINT,
        "redis" => Signal::SIGTERM,
        _ => Signal::SIGKILL,
    }
}

/// `worker-1` is a run of the program `worker`, and `test-worker-2048` of `test-worker`.
fn program(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((program, _)) => program,
        None if name == "redis" => "redis-server",
        None => name,
    }
}

/// Pids are used again: ours is a process of the right program that works in one of our folders.
fn is_ours(found: &Leftover, folders: &[&Path]) -> bool {
    let process = PathBuf::from(format!("/proc/{}", found.pid));
    if Path::new("/proc/self/cwd").exists() {
        let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
        let works_in = fs::read_link(process.join("cwd")).unwrap_or_default();
        name.trim() == program(&found.name)
            && folders.iter().any(|folder| works_in.starts_with(folder))
    } else {
        let pid = found.pid.to_string();
        let output = Command::new("ps").args(["-o", "command=", "-p", &pid]).output();
        let line = output.map(|output| output.stdout).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains(program(&found.name))
            && folders.iter().any(|folder| line.contains(&*folder.to_string_lossy()))
    }
}
