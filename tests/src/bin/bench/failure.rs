//! Failures, as one line for whoever started the bench.

use std::error::Error;
use std::fmt::Display;

/// What was done, or the line that says what went wrong.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// Says what was being done when it failed.
pub(crate) trait Attempt<T> {
    fn attempt(self, doing: impl Display) -> Result<T>;
}

impl<T, E: Error> Attempt<T> for std::result::Result<T, E> {
    fn attempt(self, doing: impl Display) -> Result<T> {
        self.map_err(|error| {
            let mut line = format!("{doing}: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                line.push_str(&format!(": {error}"));
                cause = error.source();
            }
            line
        })
    }
}

impl<T> Attempt<T> for Option<T> {
    fn attempt(self, doing: impl Display) -> Result<T> {
        self.ok_or_else(|| doing.to_string())
    }
}
