//! `cargo xtask`: the commands of a developer's day, on a machine with nothing but Rust.

mod account;
mod args;
mod bench;
mod checkout;
mod console;
mod coverage;
mod demo;
mod environment;
mod failure;
mod faults;
mod files;
mod home;
mod hooks;
mod http;
mod interrupts;
mod known_passwords;
mod leftovers;
mod platform;
mod ports;
mod postgres;
mod prerequisites;
mod redis;
mod sandbox;
mod service;
mod site;
mod suite;
mod supervisor;
mod up;

use std::env;
use std::process::ExitCode;

use crate::checkout::Checkout;
use crate::console::{complain, say};
use crate::failure::Result;

const HELP: &str = "\
cargo xtask up [--fresh] [--release] [--port 8000] [--workers 1]
    The whole platform on this machine: private Postgres and Redis, schema, demo data, the payments
    sandbox, api, worker and scheduler. Ctrl-C stops everything. Data is kept in .local/.
cargo xtask test [arguments of cargo test]
    The whole suite, against throw-away servers of its own.
cargo xtask demo [arguments of the demo]
    One real purchase told step by step, on the running platform or on one of its own.
cargo xtask bench [--install-peers | [--enforce] arguments of the bench]
    The release benchmark, on durable throw-away servers, failing for a broken target with --enforce; or the
    platforms it compares with, into .local/peers.
cargo xtask faults [--release] [--rounds 1] [--seed S] [--only 7] [--full]
    Fifteen faults (kills, wipes, restarts, skewed clocks, hostile hands) against business load, judged by SQL.
cargo xtask coverage [--enforce] [arguments of cargo test]
    Line coverage per layer, against its floors.
cargo xtask known-passwords FILE...
    Makes the list of passwords that are refused, of our own words and of files with one password a line.
cargo xtask hooks
    Installs the pre-commit hook: formatting and lints.";

/// What a shell says of a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match interrupts::listen().and_then(|()| dispatch(&args)) {
        Ok(code) => code,
        Err(_) if interrupts::received() > 0 => ExitCode::from(INTERRUPTED),
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<ExitCode> {
    let (command, rest) = args.split_first().map_or(("help", args), |(first, rest)| (first, rest));
    let checkout = Checkout::find()?;
    match command {
        "up" => up::run(&checkout, &args::Up::parse(rest)?).map(|()| ExitCode::SUCCESS),
        "test" => suite::run(&checkout, rest),
        "demo" => demo::run(&checkout, rest),
        "bench" => bench::run(&checkout, rest),
        "faults" => faults::run(&checkout, rest),
        "coverage" => coverage::run(checkout, rest),
        "known-passwords" => known_passwords::make(&checkout, rest).map(|()| ExitCode::SUCCESS),
        "hooks" => hooks::install(&checkout).map(|()| ExitCode::SUCCESS),
        "help" | "--help" | "-h" => {
            say(HELP);
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(format!("no command `{command}`: see `cargo xtask help`")),
    }
}
