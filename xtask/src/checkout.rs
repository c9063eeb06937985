//! The checkout this command works on: its folders, and cargo called in it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::console::say;
use crate::failure::{Attempt, Result};
use crate::interrupts;

/// The working copy, and what cargo is told in its environment besides what the caller says.
pub(crate) struct Checkout {
    /// The folder of the workspace's `Cargo.toml`, without symbolic links.
    pub(crate) root: PathBuf,
    /// Extra environment of every cargo call; coverage builds set some.
    pub(crate) cargo_env: Vec<(String, String)>,
}

impl Checkout {
    /// The checkout that `cargo xtask` was called in.
    pub(crate) fn find() -> Result<Self> {
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).join("..");
        let root = root.canonicalize().attempt(format_args!("cannot find {}", root.display()))?;
        Ok(Self { root, cargo_env: Vec::new() })
    }

    /// Where everything lives that `up` keeps.
    pub(crate) fn local(&self) -> PathBuf {
        self.root.join(".local")
    }

    /// The cargo that called us, in this checkout.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root).envs(self.cargo_env.iter().cloned());
        cargo
    }

    /// Builds every binary of the workspace and returns the folder they are in.
    pub(crate) fn build(&self, release: bool) -> Result<PathBuf> {
        say("building the workspace's binaries …");
        let mut cargo = self.cargo();
        cargo.args(["build", "--workspace", "--bins"]);
        if release {
            cargo.arg("--release");
        }
        interrupts::run_well(&mut cargo, "the build", || {})?;
        Ok(self.build_folder()?.join(if release { "release" } else { "debug" }))
    }

    /// Cargo's target folder, which the caller's environment or configuration may have moved.
    pub(crate) fn build_folder(&self) -> Result<PathBuf> {
        let mut cargo = self.cargo();
        cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
        let output = cargo.output().attempt("cannot run cargo metadata")?;
        let metadata = String::from_utf8_lossy(&output.stdout);
        metadata
            .split_once("\"target_directory\":\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(target, _)| PathBuf::from(target))
            .ok_or_else(|| "cargo metadata names no target directory".to_owned())
    }
}
