//! How this tool fails: in one line that says what was attempted and why it did not work.

use std::fmt::Display;

/// The outcome of a step; the error is the one line shown to the developer.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// Puts what was attempted in front of a system's terse error.
pub(crate) trait Attempt<T> {
    /// Names the attempt: `fs::read(path).attempt("cannot read the settings")`.
    fn attempt(self, what: impl Display) -> Result<T>;
}

impl<T, E: Display> Attempt<T> for std::result::Result<T, E> {
    fn attempt(self, what: impl Display) -> Result<T> {
        self.map_err(|error| format!("{what}: {error}"))
    }
}
