//! The queues: latency classes that never delay each other.

use std::time::Duration;

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

impl Queue {
    /// How many jobs of the queue one worker process runs at a time.
    #[must_use]
    pub const fn slots(self) -> usize {
        match self {
            Self::Money => 8,
            Self::Default => 8,
            Self::Mail => 16,
            Self::Bulk => 4,
        }
    }

    /// The longest run any kind of the queue is allowed; a handed-out job that has not started by then is offered again.
    #[must_use]
    pub const fn timeout(self) -> Duration {
        match self {
            Self::Money | Self::Default => Duration::from_secs(15),
            Self::Mail => Duration::from_secs(30),
            Self::Bulk => Duration::from_secs(60),
        }
    }
}
