//! Who types: the name that the audit log keeps.

use nix::unistd::{User, getuid};
use shared::Result;
use shared::audit::Actor;
use shared::jobs::operate::Operator;

use super::Why;
use crate::variables;

/// The longest name.
const NAME_MAX: usize = 64;

/// The person at this terminal, with their reason.
pub(super) fn operator(why: &Why) -> Result<Operator> {
    Operator::new(actor(), why.reason.as_deref())
}

/// The person at this terminal.
pub(crate) fn actor() -> Actor {
    // One name for as long as the process lives.
    Actor::Operator(name().leak())
}

/// `WIBE_OPERATOR`, for machines where everybody is one user; else the Unix user.
fn name() -> String {
    let uid = getuid();
    let given = variables::get("WIBE_OPERATOR").map(|name| tidy(&name));
    given
        .filter(|name| !name.is_empty())
        .or_else(|| User::from_uid(uid).ok().flatten().map(|user| tidy(&user.name)))
        .unwrap_or_else(|| format!("uid-{uid}"))
}

fn tidy(name: &str) -> String {
    name.trim().chars().filter(|c| !c.is_control()).take(NAME_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        assert_eq!(tidy(" ali\u{1b}[31m "), "ali[31m");
        assert_eq!(tidy(&"x".repeat(100)).len(), NAME_MAX);
    }
}
