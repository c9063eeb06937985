//! Variables that only this command reads: they are not settings of the platform.

use crate::Failure;

/// A variable that is set to something.
pub(crate) fn get(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "passwords of people are no settings, and must not be arguments either"
    )]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable that must be set.
pub(crate) fn required(name: &str) -> Result<String, Failure> {
    get(name).ok_or_else(|| Failure(format!("{name} must be set")))
}
