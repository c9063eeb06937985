//! `cargo xtask bench`: the release benchmark, on servers as careful with data as production's.

use std::process::{Command, ExitCode};

use crate::checkout::Checkout;
use crate::failure::Result;
use crate::interrupts;
use crate::postgres;
use crate::prerequisites::{self, Need};
use crate::redis;
use crate::site::Site;

/// Runs the benchmark; its exit status is ours.
pub(crate) fn run(checkout: &Checkout, args: &[String]) -> Result<ExitCode> {
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
    let status = interrupts::run(&mut bench, || site.processes.tend())?;
    Ok(interrupts::exit_code(status))
}
