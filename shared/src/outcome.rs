//! What a command says about itself.

/// Whether a command did its work or found it done: jobs and clients arrive twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The effect happened now.
    Done,
    /// An earlier run, or another path, left nothing to do.
    AlreadyDone,
}
