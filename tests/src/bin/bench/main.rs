//! `cargo xtask bench`: what a purchase and a job cost, each beside the cheapest thing that could be compared with it.
//!
//! Everything is measured in one run on one machine, on one PostgreSQL and one Redis that are as careful with data as
//! production's, in turns (there and back again), so that the ratios hold even where the machine is shared and the
//! absolute figures do not. A job counts when its end is durable, never when its handler returns.
//!
//! | part | what happens | what is asserted or compared |
//! |---|---|---|
//! | `purchases` | purchases through HTTP | `pgbench` sending the same statements; every deal paid, every invariant of the ledger |
//! | `sales` | whole sales through HTTP: deposit, purchase, hand-over, receipt, payment of the seller | the same; every deal confirmed |
//! | `burndown` | jobs that wait already are run down | River, apalis-redis, Celery, graphile-worker |
//! | `latency` | one job now and then on an idle worker | commit to start |
//! | `steady` | 200/s and 1,000/s, whether or not the last one has started | commit to start (beside apalis-redis), commit to durable end, intended time to durable end |
//! | `money` | claim, effect key, two legs through the ledger, done: one fenced transaction | `pgbench` sending the same transactions; nothing lost, nothing twice, the books sum to zero |
//! | `backlog` | throughput while 1,000 or 1,000,000 jobs wait | the ratio of the two; what apalis-redis makes of 1,000 and of 10,000 |
//! | `herd` | 50,000 jobs fall due in one second | an unrelated money job's wait; connections |
//! | `retries` | three runs in ten fail | when they come back: no spikes |
//! | `held` | throughput beside somebody's idle transaction | the ratio to without; dead rows |
//! | `memory` | a worker under steady load | whether its memory is flat |
//! | `passwords` | pages of listings are read beside 50 people who sign in | the ratio of p99 to idle: 3 at most |
//!
//! `--enforce` makes the command fail when a target is broken: what is promised, not what is pursued.
//!
//! Peers are installed by `cargo xtask bench --install-peers`, and left out, with a line, where they are missing.

mod ceiling;
mod failure;
mod jobs;
mod latency;
mod machine;
mod meter;
mod passwords;
mod peers;
mod purchases;
mod report;
mod series;
mod servers;
mod sizes;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use failure::Result;
use peers::Peers;
use report::Report;
use servers::Servers;
use sizes::{Asked, Sizes};

/// How long tidying up may take after everything else.
const TIDY_WITHIN: Duration = Duration::from_secs(30);

/// Compares purchases and jobs with their ceilings and with other job platforms, and measures how jobs fare in bad times.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(flatten)]
    asked: Asked,
    /// Only these parts, separated by commas
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Only the sides of the burn-down in whose name one of these stands, separated by semicolons
    #[arg(long, value_delimiter = ';')]
    sides: Vec<String>,
    /// Fail when a target is broken; without it the table says so and nothing else
    #[arg(long)]
    enforce: bool,
    /// The whole run is given up after this many seconds
    #[arg(long, default_value_t = 7_200)]
    deadline: u64,
    /// Keep a copy of the scripts that pgbench is given in this folder
    #[arg(long)]
    scripts: Option<PathBuf>,
    #[command(flatten)]
    servers: Servers,
    #[command(flatten)]
    peers: Peers,
}

/// A part of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Purchases through HTTP against pgbench.
    Purchases,
    /// Whole sales through HTTP against pgbench.
    Sales,
    /// Waiting jobs against other platforms.
    Burndown,
    /// From a job's commit to its start on an idle worker.
    Latency,
    /// The same under steady load, and to its durable end.
    Steady,
    /// Money jobs against pgbench.
    Money,
    /// Throughput by the depth of the queue.
    Backlog,
    /// Everything due in one second.
    Herd,
    /// How failures come back.
    Retries,
    /// Throughput beside a held transaction.
    Held,
    /// A worker's memory.
    Memory,
    /// Reads beside log-ins.
    Passwords,
}

/// What every part is given.
struct Bench {
    servers: Servers,
    peers: Peers,
    sizes: Sizes,
    /// Where copies of scripts are kept.
    scripts: Option<PathBuf>,
    /// Words of the names of the sides that the burn-down has; all when there are none.
    sides: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    if jobs::process::is_asked_for() {
        return jobs::process::serve().await;
    }
    let Arguments { asked, only, sides, enforce, deadline, scripts, servers, peers } =
        Arguments::parse();
    let bench = Bench { servers, peers, sizes: asked.sizes(), scripts, sides };
    let mut report = Report::default();
    // Whatever is dropped here takes its processes with it.
    let outcome = tokio::select! {
        outcome = run(&bench, &only, &mut report) => outcome,
        () = tokio::time::sleep(Duration::from_secs(deadline)) => Err(format!("not finished within {deadline} s (--deadline)")),
        () = worker::until_signal() => Err("interrupted".to_owned()),
    };
    if tokio::time::timeout(TIDY_WITHIN, bench.servers.tidy_up()).await.is_err() {
        eprintln!("bench: its databases could not be dropped in time");
    }
    report.print();
    let broken = report.broken();
    match outcome {
        Ok(()) if enforce && broken > 0 => {
            eprintln!("bench: {broken} targets are broken (--enforce)");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every wanted part. One that fails is said, and does not keep the others from running.
async fn run(bench: &Bench, only: &[Part], report: &mut Report) -> Result<()> {
    report.facts = machine::facts(&bench.servers).await?;
    let mut failed = Vec::new();
    for part in Part::value_variants().iter().filter(|part| only.is_empty() || only.contains(part))
    {
        if let Err(problem) = run_part(*part, bench, report).await {
            report.skip(format!("{part:?} failed: {problem}"));
            failed.push(format!("{part:?}"));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

async fn run_part(part: Part, bench: &Bench, report: &mut Report) -> Result<()> {
    match part {
        Part::Purchases => purchases::compare(bench, report).await,
        Part::Sales => purchases::compare_whole(bench, report).await,
        Part::Burndown => jobs::burn_down::compare(bench, report).await,
        Part::Latency => latency::measure(bench, report).await,
        Part::Steady => jobs::steady::measure(bench, report).await,
        Part::Money => jobs::money::compare(bench, report).await,
        Part::Backlog => jobs::backlog::compare(bench, report).await,
        Part::Herd => jobs::herd::measure(bench, report).await,
        Part::Retries => jobs::retries::measure(bench, report).await,
        Part::Held => jobs::held::compare(bench, report).await,
        Part::Memory => jobs::memory::watch(bench, report).await,
        Part::Passwords => passwords::compare(bench, report).await,
    }
}

/// Says how far the run is; the figures come at the end.
fn progress(line: &str) {
    eprintln!("bench: {line}");
}
