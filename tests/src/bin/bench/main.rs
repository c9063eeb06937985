//! `cargo xtask bench`: what a purchase and a job cost, each beside the cheapest thing that could be compared with it.
//!
//! Everything is measured in one run on one machine, in turns, so that the ratios hold even where the machine is
//! shared and the absolute figures do not.

mod failure;
mod jobs;
mod latency;
mod machine;
mod meter;
mod purchases;
mod report;
mod series;
mod servers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use failure::Result;
use report::Report;
use servers::Servers;

/// How long tidying up may take after everything else.
const TIDY_WITHIN: Duration = Duration::from_secs(20);

/// Compares purchases with pgbench and jobs with bare apalis-redis, and measures how soon a job starts.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// How often each side has its turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=50))]
    rounds: u16,
    /// Purchases per turn
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    purchases: u32,
    /// Jobs per turn
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    jobs: u32,
    /// Jobs whose start is timed, per transport, over all rounds
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    latency_jobs: u32,
    /// Buyers at a time, each with a connection of their own
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=200))]
    clients: u16,
    /// Only one part
    #[arg(long)]
    only: Option<Part>,
    /// The whole run is given up after this many seconds
    #[arg(long, default_value_t = 2_400)]
    deadline: u64,
    /// Keep a copy of pgbench's script here
    #[arg(long)]
    script: Option<PathBuf>,
    #[command(flatten)]
    servers: Servers,
}

/// A part of the bench.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Purchases through HTTP against pgbench.
    Purchases,
    /// Jobs against bare apalis-redis.
    Jobs,
    /// From a job's commit to its start.
    Latency,
}

impl Arguments {
    fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut report = Report::default();
    let deadline = Duration::from_secs(arguments.deadline);
    // Whatever is dropped here takes its processes with it.
    let outcome = tokio::select! {
        outcome = run(&arguments, &mut report) => outcome,
        () = tokio::time::sleep(deadline) => Err(format!("not finished within {} s (--deadline)", deadline.as_secs())),
        () = worker::until_signal() => Err("interrupted".to_owned()),
    };
    if tokio::time::timeout(TIDY_WITHIN, arguments.servers.tidy_up()).await.is_err() {
        eprintln!("bench: its databases could not be dropped in time");
    }
    report.print();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments, report: &mut Report) -> Result<()> {
    report.facts = machine::facts(&arguments.servers).await?;
    if arguments.wants(Part::Purchases) {
        purchases::compare(arguments, report).await?;
    }
    if arguments.wants(Part::Jobs) {
        jobs::compare(arguments, report).await?;
    }
    if arguments.wants(Part::Latency) {
        latency::measure(arguments, report).await?;
    }
    Ok(())
}

/// Says how far the run is; the figures come at the end.
fn progress(line: &str) {
    eprintln!("bench: {line}");
}
