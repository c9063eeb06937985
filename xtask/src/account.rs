//! As whom the database server runs: `PostgreSQL` refuses to run as root.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{User, geteuid};

use crate::failure::{Attempt, Result};

/// The user whom root hands the database to.
const USER: &str = "postgres";

/// An account for the database server: the caller's own, or `postgres` when that is root.
#[derive(Clone, Copy)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
    is_caller: bool,
}

impl Account {
    /// Decides as whom the server will run.
    pub(crate) fn find() -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self { uid: geteuid().as_raw(), gid: 0, is_caller: true });
        }
        let user = User::from_name(USER).attempt("cannot look up users")?;
        let user = user.ok_or(
            "PostgreSQL refuses to run as root and there is no user `postgres`: run this as another user",
        )?;
        Ok(Self { uid: user.uid.as_raw(), gid: user.gid.as_raw(), is_caller: false })
    }

    /// A command that runs as this account in `folder`.
    pub(crate) fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        if !self.is_caller {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Makes `folder` this account's alone; refuses one that somebody else made.
    pub(crate) fn own(self, folder: &Path) -> Result<()> {
        let doing = format!("cannot prepare {}", folder.display());
        let made = fs::create_dir(folder).is_ok();
        if made && !self.is_caller {
            chown(folder, Some(self.uid), Some(self.gid)).attempt(&doing)?;
        }
        let found = fs::symlink_metadata(folder).attempt(&doing)?;
        if !found.is_dir() || found.uid() != self.uid {
            return Err(format!("{doing}: it is not a folder of the user that runs PostgreSQL"));
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).attempt(&doing)
    }

    /// Whether this account can enter `folder` and write there.
    pub(crate) fn can_use(self, folder: &Path) -> bool {
        let mut test = self.command(Path::new("/bin/sh"), folder);
        test.args(["-c", "test -w ."]).status().is_ok_and(|status| status.success())
    }
}
