//! What a command says about itself.

use chrono::{DateTime, Utc};

/// Whether a command did its work or found it done: jobs and clients arrive twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The effect happened now.
    Done,
    /// An earlier run, or another path, left nothing to do.
    AlreadyDone,
}

/// What a timer's command says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Timed {
    /// It was due, and its effect happened now.
    Done,
    /// An earlier run, or another path, left nothing to do.
    AlreadyDone,
    /// It is not due before this instant.
    NotBefore(DateTime<Utc>),
}
