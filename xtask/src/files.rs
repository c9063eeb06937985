//! Small files: written whole or not at all, because others read them while we run.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::failure::{Attempt, Result};

/// Writes `text` to `path` with the given mode; a reader sees the old file or the new one.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let draft = draft_of(path);
    let written = (|| -> io::Result<()> {
        let mut file = File::create(&draft)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        fs::rename(&draft, path)
    })();
    written.attempt(format_args!("cannot write {}", path.display()))
}

/// Creates a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).attempt(format_args!("cannot create {}", path.display()))
}

/// Removes a file or a folder with all it holds; nothing there is fine.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
    .attempt(format_args!("cannot remove {}", path.display()))
}

/// Takes the lock file at `path`, or `None` when a living process holds it.
///
/// The kernel lets go of it when its holder dies, however it dies.
pub(crate) fn lock(path: &Path) -> Result<Option<File>> {
    let doing = format!("cannot lock {}", path.display());
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.attempt(&doing)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(format!("{doing}: {error}")),
    }
}

/// The last lines of a log, for the moment when something did not start.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let skipped = text.lines().count().saturating_sub(lines);
    text.lines().skip(skipped).collect::<Vec<_>>().join("\n")
}

fn draft_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}
