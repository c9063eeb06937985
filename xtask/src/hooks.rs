//! `cargo xtask hooks`: the quick checks before every commit.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::checkout::Checkout;
use crate::console::say;
use crate::failure::{Attempt, Result};
use crate::files;

const HOOK: &str = "#!/bin/sh
# Installed by `cargo xtask hooks`.
set -e
cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings
";

/// Installs the pre-commit hook; somebody else's is left alone.
pub(crate) fn install(checkout: &Checkout) -> Result<()> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--git-path", "hooks"]).current_dir(&checkout.root);
    let output = git.output().attempt("cannot run git")?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let folder = String::from_utf8_lossy(&output.stdout).into_owned();
    let folder = checkout.root.join(Path::new(folder.trim()));
    files::create_folder(&folder)?;
    let hook = folder.join("pre-commit");
    let found = fs::read_to_string(&hook).unwrap_or_default();
    if !found.is_empty() && !found.contains("cargo xtask hooks") {
        return Err(format!("{} exists and is not ours: add the checks by hand", hook.display()));
    }
    files::write(&hook, HOOK, 0o755)?;
    say(format_args!("installed {}", hook.display()));
    Ok(())
}
