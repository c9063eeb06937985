//! The queues: latency classes that never delay each other.

use std::time::Duration;

use super::{Backoff, Limits};
use crate::text_enum::text_enum;

text_enum! {
    /// A latency class with slots of its own in every worker.
    Queue {
        /// Money and its timers: paged when it waits 30 seconds.
        Money = "money",
        /// Everything people wait for.
        Default = "default",
        /// Mail: a slow mail server delays only mail.
        Mail = "mail",
        /// Batches nobody waits for.
        Bulk = "bulk",
    }
}

/// One line of the table of queues.
#[derive(Clone, Copy, Debug)]
pub struct QueuePolicy {
    /// How many jobs of the queue one worker process runs at a time; `WORKER_SLOTS` changes it for a process.
    pub slots: usize,
    /// The limits of its kinds, unless a kind has its own. No kind may run longer than its queue's: a handed-out job
    /// that has not started by then is offered again.
    pub limits: Limits,
}

impl Queue {
    /// The table of queues.
    ///
    /// | queue | slots | one run | attempts | waits between them |
    /// |---|---|---|---|---|
    /// | money | 16 | 15 s | 20 | 2 s to 10 min: about two hours of trying |
    /// | default | 32 | 15 s | 12 | 2 s to 10 min: about an hour |
    /// | mail | 16 | 30 s | 16 | 10 s to 1 h: about half a day, as mail servers do |
    /// | bulk | 4 | 60 s (one batch) | 6 | 30 s to 10 min |
    #[must_use]
    pub const fn policy(self) -> QueuePolicy {
        match self {
            Self::Money => QueuePolicy { slots: 16, limits: limits(20, 15, 2, 600) },
            Self::Default => QueuePolicy { slots: 32, limits: limits(12, 15, 2, 600) },
            Self::Mail => QueuePolicy { slots: 16, limits: limits(16, 30, 10, 3_600) },
            Self::Bulk => QueuePolicy { slots: 4, limits: limits(6, 60, 30, 600) },
        }
    }

    /// Whether scans of the business tables give due work of the queue a job when it has none. To them a dead or cancelled
    /// job is the last word, so it is not forgotten.
    #[must_use]
    pub const fn is_reconciled(self) -> bool {
        match self {
            Self::Money | Self::Default | Self::Bulk => true,
            Self::Mail => false,
        }
    }

    /// The longest run any kind of the queue is allowed.
    #[must_use]
    pub const fn timeout(self) -> Duration {
        self.policy().limits.timeout
    }
}

const fn limits(max_attempts: i16, timeout: u64, base: u64, max: u64) -> Limits {
    Limits {
        max_attempts,
        timeout: Duration::from_secs(timeout),
        backoff: Backoff { base: Duration::from_secs(base), max: Duration::from_secs(max) },
    }
}
