//! `cargo xtask bench`: the release benchmark, on servers as careful with data as production's.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::checkout::Checkout;
use crate::console::say;
use crate::failure::{Attempt, Result};
use crate::files;
use crate::interrupts;
use crate::postgres;
use crate::prerequisites::{self, Need};
use crate::redis;
use crate::site::Site;

/// Installs the platforms that the bench compares with, and measures nothing.
const INSTALL: &str = "--install-peers";
/// River's Rust client with its own bench; the other peers' versions are in `tests/peers`.
const RIVER: [&str; 3] = ["riverqueue-cli", "--version", "0.5.0"];

/// Runs the benchmark; its exit status is ours.
pub(crate) fn run(checkout: &Checkout, args: &[String]) -> Result<ExitCode> {
    let peers = checkout.local().join("peers");
    if args.iter().any(|arg| arg == INSTALL) {
        return install(checkout, &peers).map(|()| ExitCode::SUCCESS);
    }
    prerequisites::ensure(&[Need::Postgres, Need::Redis])?;
    let programs = checkout.build(true)?;
    let mut site = Site::throw_away("bench", true)?;
    let cluster = postgres::start(&mut site)?;
    let redis = redis::start(&mut site)?;
    let mut bench = Command::new(programs.join("bench"));
    bench.current_dir(&checkout.root).args(args);
    bench.env("BENCH_ADMIN_DATABASE_URL", cluster.superuser_url()?);
    bench.env("BENCH_REDIS_URL", redis).env("WIBE_BIN_DIR", programs);
    bench.env("PGBENCH", cluster.programs.join("pgbench"));
    if std::env::var_os("BENCH_PEERS").is_none() {
        bench.env("BENCH_PEERS", peers);
    }
    let status = interrupts::run(&mut bench, || site.processes.tend())?;
    Ok(interrupts::exit_code(status))
}

/// Installs every peer whose tool is on this machine; one that cannot be installed keeps no other from it.
fn install(checkout: &Checkout, peers: &Path) -> Result<()> {
    files::create_folder(peers)?;
    let installed = [
        ("River", river(checkout, peers)),
        ("Celery", celery(checkout, peers)),
        ("graphile-worker", graphile(checkout, peers)),
    ];
    let mut failed = Vec::new();
    for (name, result) in installed {
        match result {
            Ok(()) => say(format_args!("{name} is installed")),
            Err(problem) => {
                say(format_args!("{name} is not installed: {problem}"));
                failed.push(name);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("not installed: {}", failed.join(", "))) }
}

fn river(checkout: &Checkout, peers: &Path) -> Result<()> {
    let mut cargo = checkout.cargo();
    cargo.args(["install", "--locked"]).args(RIVER).arg("--root").arg(peers.join("river"));
    interrupts::run_well(&mut cargo, "cargo install", || {})
}

fn celery(checkout: &Checkout, peers: &Path) -> Result<()> {
    let folder = peers.join("celery");
    let mut python = Command::new("python3");
    interrupts::run_well(python.args(["-m", "venv"]).arg(&folder), "python3 -m venv", || {})?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--requirement"]);
    pip.arg(checkout.root.join("tests/peers/celery/requirements.txt"));
    interrupts::run_well(&mut pip, "pip install", || {})
}

fn graphile(checkout: &Checkout, peers: &Path) -> Result<()> {
    let folder = peers.join("graphile");
    files::create_folder(&folder)?;
    let list = "package.json";
    let wanted = checkout.root.join("tests/peers/graphile").join(list);
    std::fs::copy(&wanted, folder.join(list)).attempt(wanted.display())?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]).arg(&folder);
    interrupts::run_well(&mut npm, "npm install", || {})
}
