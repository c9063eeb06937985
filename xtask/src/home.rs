//! Which folder holds the checkout's database: `.local/postgres`, or one that its server can reach.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::failure::Result;
use crate::files;

/// The longest socket path that every system accepts.
const SOCKET_PATH_MAX: usize = 103;

/// The folder for a checkout that the server's account cannot reach; derived from its path.
pub(crate) fn elsewhere(checkout: &Path) -> PathBuf {
    // FNV-1a: the same in every run and in every version of this tool.
    let hash = checkout.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    PathBuf::from(format!("/var/tmp/wibe-{hash:016x}"))
}

/// Whether a socket in `folder` has a path that a system accepts.
pub(crate) fn fits(folder: &Path) -> bool {
    folder.join(".s.PGSQL.65535").as_os_str().len() <= SOCKET_PATH_MAX
}

/// Decides, and prepares the folder; when it is elsewhere, `inside` is a file that says where.
pub(crate) fn settle(inside: &Path, elsewhere: &Path, account: Account) -> Result<PathBuf> {
    if !inside.is_file() {
        if fits(inside) && account.own(inside).is_ok() && account.can_use(inside) {
            return Ok(inside.to_owned());
        }
        if inside.join("data").exists() {
            return Err(format!(
                "the database in {} is out of reach for the user that runs PostgreSQL: \
                 start anew with `cargo xtask up --fresh`",
                inside.display()
            ));
        }
        files::remove(inside)?;
    }
    account.own(elsewhere)?;
    files::write(inside, &format!("{}\n", elsewhere.display()), 0o644)?;
    Ok(elsewhere.to_owned())
}
