//! How much of everything is measured: ten minutes' worth, two with `--quick`, or as asked.

use clap::Args;

/// What was asked for; the rest has its default, or its quick one.
#[derive(Args)]
pub(crate) struct Asked {
    /// About two minutes instead of ten: smaller sizes for everything that is not said
    #[arg(long)]
    quick: bool,
    /// How often each side has its turn (3; quick: 1)
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=50))]
    rounds: Option<u16>,
    /// Purchases per turn (2,000; quick: 400)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    purchases: Option<u32>,
    /// Buyers at a time, each with a connection of their own (16)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200))]
    clients: Option<u32>,
    /// Jobs whose start is timed on an idle worker, per transport, over all rounds (300; quick: 60)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    latency_jobs: Option<u32>,
    /// Jobs per turn of the burn-down (20,000; quick: 5,000)
    #[arg(long, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    jobs: Option<u32>,
    /// Seconds of steady load, per rate and transport (15; quick: 4)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    steady_seconds: Option<u32>,
    /// Money jobs per turn (4,000; quick: 800)
    #[arg(long, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    money_jobs: Option<u32>,
    /// The deep backlog (1,000,000; quick: 100,000)
    #[arg(long, value_parser = clap::value_parser!(u32).range(2_000..=50_000_000))]
    deep: Option<u32>,
    /// Seconds of each turn with a backlog (8; quick: 4)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    backlog_seconds: Option<u32>,
    /// Jobs that fall due in the same second (50,000; quick: 10,000)
    #[arg(long, value_parser = clap::value_parser!(u32).range(100..=5_000_000))]
    herd: Option<u32>,
    /// Jobs of which three in ten fail (5,000; quick: 2,000)
    #[arg(long, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    flaky_jobs: Option<u32>,
    /// Seconds of each turn beside a held transaction (15; quick: 5)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    held_seconds: Option<u32>,
    /// Seconds over which a worker's memory is watched (40; quick: 12; the promise is about 3,600)
    #[arg(long, value_parser = clap::value_parser!(u32).range(3..=86_400))]
    memory_seconds: Option<u32>,
    /// Jobs per second meanwhile (500)
    #[arg(long, value_parser = clap::value_parser!(u32).range(10..=20_000))]
    memory_rate: Option<u32>,
    /// Pages read per turn, idle and beside log-ins (2,000; quick: 600)
    #[arg(long, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    password_reads: Option<u32>,
}

/// What is measured.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) rounds: u16,
    pub(crate) purchases: u32,
    pub(crate) clients: u32,
    pub(crate) latency_jobs: u32,
    pub(crate) jobs: u32,
    pub(crate) steady_seconds: u32,
    pub(crate) money_jobs: u32,
    pub(crate) deep: u32,
    pub(crate) backlog_seconds: u32,
    pub(crate) herd: u32,
    pub(crate) flaky_jobs: u32,
    pub(crate) held_seconds: u32,
    pub(crate) memory_seconds: u32,
    pub(crate) memory_rate: u32,
    pub(crate) password_reads: u32,
}

impl Asked {
    /// The sizes of this run.
    pub(crate) fn sizes(&self) -> Sizes {
        let size = |asked: Option<u32>, usual: u32, quick: u32| {
            asked.unwrap_or(if self.quick { quick } else { usual })
        };
        Sizes {
            rounds: self.rounds.unwrap_or(if self.quick { 1 } else { 3 }),
            purchases: size(self.purchases, 2_000, 400),
            clients: size(self.clients, 16, 16),
            latency_jobs: size(self.latency_jobs, 300, 60),
            jobs: size(self.jobs, 20_000, 5_000),
            steady_seconds: size(self.steady_seconds, 15, 4),
            money_jobs: size(self.money_jobs, 4_000, 800),
            deep: size(self.deep, 1_000_000, 100_000),
            backlog_seconds: size(self.backlog_seconds, 8, 4),
            herd: size(self.herd, 50_000, 10_000),
            flaky_jobs: size(self.flaky_jobs, 5_000, 2_000),
            held_seconds: size(self.held_seconds, 15, 5),
            memory_seconds: size(self.memory_seconds, 40, 12),
            memory_rate: size(self.memory_rate, 500, 500),
            password_reads: size(self.password_reads, 2_000, 600),
        }
    }
}
