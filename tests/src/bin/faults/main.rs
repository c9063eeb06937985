//! `cargo xtask faults`: fifteen faults against a platform under business load, judged by SQL.
//!
//! Every fault has a database, a Redis and processes of its own; the eighth also has a PostgreSQL of its own. After each
//! the same oracle judges: deposits accepted = deposits credited; the ledger's invariants hold; every order that was
//! acknowledged left exactly one mark (nothing but the platform keeps a mark from being left twice); every confirmed
//! deal was released with one set of legs; every withdrawal that was asked for was paid out once, as the acquirer's own books say, or
//! given back whole; every attempt but the last is accounted for by a crash or a failure; nothing
//! is dead that was not meant to be, and nothing is late beyond the bound.
//!
//! | # | fault | expectation | bound: short round, full |
//! |---|---|---|---|
//! | 1 | workers are killed at random | all exactly once, attempts ≤ crashes + 1 | start 25 s, 40 s |
//! | 2 | a worker is killed at each named point, per queue | all exactly once at every point | start 25 s, 40 s |
//! | 3 | Redis is wiped under load | no attempt is used up | resume 10 s, 25 s |
//! | 4 | Redis is away, then back and empty | jobs run without it, requests notice nothing, jobs go through it again | direct 6 s, 10 s after patience |
//! | 5 | Redis comes back from an old dump | stale deliveries are counted and have no effect | start 25 s, 40 s |
//! | 6 | a deep backlog, half of it due at one second | Redis never holds more than 1,000 hints, money is not delayed | money p99 1 s |
//! | 7 | workers freeze in the middle of a release and wake up late | one pair of legs, their completions are refused | start 25 s, 30 s |
//! | 8 | PostgreSQL crashes, and its backends are shot | 503 only meanwhile, no process restarts | recovery 10 s |
//! | 9 | every message is delivered three times, shuffled | two of three deliveries are stale | start 10 s, 25 s |
//! | 10 | hosts' clocks are two hours off, both ways | nothing early, nothing late, no live lease is lost | start 25 s, 40 s |
//! | 11 | three schedulers are killed and miss ten minutes | each tick once, missed ones by their policy | ticks 10 s |
//! | 12 | poison: aborting, undecodable and unknown jobs | dead after three, dead at once, left alone; others go on | others ≥ 90 % |
//! | 13 | an acquirer that hangs, fails, is late and contradicts itself; Payme repeats its webhook | one payout per withdrawal, found out by asking; one credit per webhook | start 40 s, 120 s |
//! | 14 | rolling restarts between two releases: workers, API and scheduler | exit 0 within the grace, no attempt is used up | exit: grace + 5 s |
//! | 15 | hostile hands: truncate, pause, retry, cancel, no connections, full Redis | due work comes back, the rest holds | see its notes |
//!
//! A short round uses one-second leases and a few hits per fault; `--full` uses production's settings and the lengths of
//! the design.

mod campaign;
mod faults;
mod load;
mod oracle;
mod payouts;
mod plan;
mod report;
mod sql;
mod world;

use std::process::ExitCode;

use clap::Parser;
use tokio_util::sync::CancellationToken;

/// Fifteen faults against a platform under business load, judged by SQL.
#[derive(Parser)]
#[command(name = "faults")]
struct Arguments {
    /// How many rounds
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    /// The first round's dice; every further round's is one higher
    #[arg(long)]
    seed: Option<u64>,
    /// Only these faults, by number
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=15))]
    only: Vec<u8>,
    /// The design's lengths with production's settings, instead of seconds with impatient ones
    #[arg(long)]
    full: bool,
    /// How many faults are under way at a time
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=15))]
    parallel: u16,
    /// A short round's faults are given up after this many seconds
    #[arg(long, default_value_t = 90)]
    within: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(|| rand::random::<u32>().into());
    let stop = CancellationToken::new();
    let stopper = stop.clone();
    tokio::spawn(async move {
        worker::until_signal().await;
        stopper.cancel();
    });
    let mut rounds = Vec::new();
    for round in (0..arguments.rounds).take_while(|_| !stop.is_cancelled()) {
        let played = campaign::round(&arguments, seed + round, &stop).await;
        played.print(arguments.full);
        rounds.push(played);
    }
    if rounds.len() > 1 {
        println!("\nall {} rounds together:", rounds.len());
        report::sum(&rounds).print(arguments.full);
    }
    let broken = rounds.iter().filter(|round| !round.holds()).count();
    println!("{} passed, {broken} failed", rounds.len() - broken);
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
