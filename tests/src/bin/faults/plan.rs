//! How long and how hard one fault is tried, and with which dice.

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// The plan of one fault in one round.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// The fault's number.
    pub(crate) number: u8,
    /// The round's seed.
    pub(crate) seed: u64,
    /// Full length and production's own settings, instead of a round of seconds with impatient ones.
    pub(crate) full: bool,
}

impl Plan {
    /// Dice that fall the same way for the same seed and fault.
    pub(crate) fn dice(&self) -> StdRng {
        StdRng::seed_from_u64(self.seed.wrapping_mul(31).wrapping_add(u64::from(self.number)))
    }

    /// The short round's value, or the full one's.
    pub(crate) fn pick<T>(&self, short: T, full: T) -> T {
        if self.full { full } else { short }
    }

    /// Seconds, by length.
    pub(crate) fn seconds(&self, short: u64, full: u64) -> Duration {
        Duration::from_secs(self.pick(short, full))
    }

    /// What a process is told in a short round, beside what it would be told in production.
    pub(crate) fn settings(&self) -> &'static [(&'static str, &'static str)] {
        if self.full { &[] } else { IMPATIENT }
    }

    /// The lease where no worker dies: on a busy machine a second of silence is no death.
    pub(crate) fn undying(&self) -> &'static [(&'static str, &'static str)] {
        if self.full { &[] } else { &[("JOBS_LEASE", "5s")] }
    }

    /// How late a job may start whose hint was lost unnoticed (handed out, and its worker or the restored Redis forgot):
    /// the slowest queue's time limit and the grace after it, and a sweep.
    pub(crate) fn offered_again_within(&self) -> Duration {
        self.seconds(40, 60)
    }

    /// How late a job may start when Redis was seen to lose its memory; promise P4 in full.
    pub(crate) fn resumed_within(&self) -> Duration {
        self.seconds(10, 25)
    }
}

/// One-second leases, and everything else as quick.
const IMPATIENT: &[(&str, &str)] = &[
    ("JOBS_LEASE", "1s"),
    ("JOBS_SWEEP_EVERY", "200ms"),
    ("JOBS_POLL_EVERY", "100ms"),
    ("JOBS_REDIS_PATIENCE", "1s"),
    ("JOBS_DISPATCH_GRACE", "0s"),
    ("SHUTDOWN_GRACE", "2s"),
];
