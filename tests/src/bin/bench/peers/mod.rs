//! Other job platforms, as their own people would run them, and what is counted of each.
//!
//! They are installed into one folder by `cargo xtask bench --install-peers`; what is not there is left out.

pub(crate) mod bare;
pub(crate) mod bare_waits;
mod celery;
mod graphile;
mod river;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use shared::jobs::Queue;

use crate::Bench;
use crate::failure::{Attempt, Result};
use crate::series::Turn;
use bare::Setup;

/// The tuned setups get this long; what they cannot do in that time is said.
const TUNED_WITHIN: Duration = Duration::from_secs(300);
/// The default setup may wait half a minute for its own heartbeat.
const DEFAULT_WITHIN: Duration = Duration::from_secs(90);
/// How long a peer that we start may take, its start included.
const FINISHED_WITHIN: Duration = Duration::from_secs(180);
/// How often we look whether a peer is done.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Where the peers are; `cargo xtask bench` says it in the environment.
#[derive(Args, Clone)]
pub(crate) struct Peers {
    /// The folder that the peers were installed into
    #[arg(long = "peers", env = "BENCH_PEERS")]
    folder: Option<PathBuf>,
}

impl Peers {
    /// A file that an installed peer has.
    fn find(&self, file: &str) -> Result<PathBuf> {
        let file = self.folder.as_ref().map(|folder| folder.join(file));
        file.filter(|file| file.exists())
            .attempt("not installed (cargo xtask bench --install-peers)")
    }
}

/// A small program of ours that drives a peer.
fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}

/// A side of the burn-down that is not ours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// apalis-redis as it comes.
    Bare,
    /// apalis-redis as our workers set it up.
    BareTuned,
    /// The same with the largest batches.
    BareLarge,
    /// River's Rust client, 100 workers.
    RiverHundred,
    /// River's Rust client, 2,000 workers: its own bench's default.
    RiverTwoThousand,
    /// Celery on Redis.
    Celery,
    /// graphile-worker.
    Graphile,
}

impl Peer {
    /// What must be known to read the peers' figures.
    pub(crate) const NOTES: [&'static str; 4] = [
        "River: its Rust client's own `riverqueue bench`, which counts completions that its completer has committed, from ready to the last one; the cost is from its last insert on",
        "apalis-redis: pushed meanwhile, at most 4,000 waiting (8,000 wedge it); counted when acknowledged in Redis, which may lose the last second; `our setup` and `large batches`: no task locks, polls every 20 ms",
        "Celery: one prefork worker with a process per core, acks_late, results ignored; counted from the last look at which no task was taken until none waits and none is unacknowledged in Redis, which may lose the last second",
        "graphile-worker: one process with its own benchmark's settings (24 at a time, local queue of 500, batched completions); counted from the last look at which no job was taken until its table is empty, so durably",
    ];

    /// Whether it can have a turn at all; what it needs before the first one.
    pub(crate) async fn prepare(self, bench: &Bench) -> Result<()> {
        match self {
            Self::Bare | Self::BareTuned | Self::BareLarge => Ok(()),
            Self::RiverHundred | Self::RiverTwoThousand => river::prepare(bench).await,
            Self::Celery => celery::prepare(bench),
            Self::Graphile => graphile::prepare(bench).await,
        }
    }

    /// One turn.
    pub(crate) async fn turn(self, bench: &Bench, jobs: usize) -> Result<Turn> {
        let servers = &bench.servers;
        let tuned = |batch| Setup::Tuned { batch };
        match self {
            Self::Bare => bare::turn(servers, jobs, Setup::Default, DEFAULT_WITHIN).await,
            Self::BareTuned => {
                let batch = Queue::Default.policy().slots.div_ceil(4);
                bare::turn(servers, jobs, tuned(batch), TUNED_WITHIN).await
            }
            Self::BareLarge => bare::turn(servers, jobs, tuned(500), TUNED_WITHIN).await,
            Self::RiverHundred => river::turn(bench, jobs, 100, 10).await,
            Self::RiverTwoThousand => river::turn(bench, jobs, 2_000, 50).await,
            Self::Celery => celery::turn(bench, jobs).await,
            Self::Graphile => graphile::turn(bench, jobs).await,
        }
    }
}
