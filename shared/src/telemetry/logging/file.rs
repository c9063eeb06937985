//! The log file: rotated by its size, written by a thread of its own, and by no other process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

use crate::settings::LogFileSettings;

/// Processes of one kind on one machine, at most.
const NUMBERS: u32 = 64;

/// An open log file.
pub(super) struct LogFile {
    writer: NonBlocking,
    dropped: ErrorCounter,
    /// Dropped, it writes out what waits.
    _writing: WorkerGuard,
    /// Held for as long as the file is ours.
    _lock: File,
}

impl LogFile {
    /// Opens the first file of this process's name that no living process writes. A disk that is too slow costs lines of
    /// this file, never a request: standard output has them all.
    ///
    /// # Errors
    /// One sentence that names the file.
    pub(super) fn open(settings: &LogFileSettings, process: &str) -> Result<Self, String> {
        let (path, lock) = claim(&settings.path, process)
            .map_err(|error| format!("LOG_FILE {}: {error}", settings.path.display()))?;
        let rotated = Rotated::open(path.clone(), settings)
            .map_err(|error| format!("LOG_FILE {}: {error}", path.display()))?;
        let (writer, writing) =
            NonBlockingBuilder::default().lossy(true).thread_name("log-file").finish(rotated);
        Ok(Self { dropped: writer.error_counter(), writer, _writing: writing, _lock: lock })
    }

    pub(super) fn writer(&self) -> NonBlocking {
        self.writer.clone()
    }

    /// Lines that found no room.
    pub(super) fn dropped(&self) -> usize {
        self.dropped.dropped_lines()
    }
}

/// `wibe.log` of the API is `wibe-api.log`, and of a second API `wibe-api-2.log`. The lock is on a file beside it, because
/// the log file itself moves.
fn claim(base: &Path, process: &str) -> io::Result<(PathBuf, File)> {
    let folder = base.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let stem = base.file_stem().unwrap_or_default().to_string_lossy();
    let end = base.extension().map_or_else(String::new, |end| format!(".{}", end.display()));
    for number in 1..=NUMBERS {
        let number = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{stem}-{process}{number}{end}"));
        let mut beside = path.clone().into_os_string();
        beside.push(".lock");
        let lock = OpenOptions::new().create(true).append(true).open(PathBuf::from(beside))?;
        match lock.try_lock() {
            Ok(()) => return Ok((path, lock)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::other(format!("{NUMBERS} processes write beside it already")))
}

/// Writes whole lines, and rotates before a line that would make the file too large.
struct Rotated {
    path: PathBuf,
    max_bytes: u64,
    backups: usize,
    file: FileRotate<AppendCount>,
    size: u64,
}

impl Rotated {
    fn open(path: PathBuf, settings: &LogFileSettings) -> io::Result<Self> {
        // Asked first, because the rotation keeps a failure to itself.
        let size = OpenOptions::new().create(true).append(true).open(&path)?.metadata()?.len();
        let backups = settings.backups.get();
        let file = rotation(&path, backups);
        Ok(Self { path, max_bytes: settings.max_bytes.get(), backups, file, size })
    }

    fn make_room(&mut self, line: usize) -> io::Result<()> {
        let line = u64::try_from(line).unwrap_or(u64::MAX);
        if self.size > 0 && self.size.saturating_add(line) > self.max_bytes {
            // Looked at anew: an operator may have removed an old file, and the rotation insists on all it knows.
            self.file = rotation(&self.path, self.backups);
            self.file.rotate()?;
            self.size = 0;
        }
        self.size = self.size.saturating_add(line);
        Ok(())
    }
}

fn rotation(path: &Path, backups: usize) -> FileRotate<AppendCount> {
    FileRotate::new(path, AppendCount::new(backups), ContentLimit::None, Compression::None, None)
}

impl Write for Rotated {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.make_room(line.len())?;
        self.file.write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroU64, NonZeroUsize};

    use uuid::Uuid;

    use super::*;

    fn settings(folder: &Path) -> LogFileSettings {
        LogFileSettings {
            path: folder.join("wibe.log"),
            max_bytes: NonZeroU64::new(4_096).expect("some"),
            backups: NonZeroUsize::new(2).expect("some"),
        }
    }

    fn folder() -> PathBuf {
        std::env::temp_dir().join(format!("wibe-log-{}", Uuid::new_v4().simple()))
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|name| !name.ends_with(".lock"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn no_file_grows_too_large_and_the_oldest_lines_go() {
        let folder = folder();
        for round in 0..2 {
            // A restart goes on where the last process ended.
            let file = LogFile::open(&settings(&folder), "api").expect("opens");
            let mut writer = file.writer();
            for n in 0..300 {
                writer
                    .write_all(format!("{round}-{n:06} {}\n", "x".repeat(50)).as_bytes())
                    .expect("takes it");
            }
        }
        assert_eq!(names(&folder), ["wibe-api.log", "wibe-api.log.1", "wibe-api.log.2"]);
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect("a file");
        let all: Vec<String> =
            ["wibe-api.log.2", "wibe-api.log.1", "wibe-api.log"].into_iter().map(read).collect();
        assert!(all.iter().all(|text| text.len() <= 4_096 && text.ends_with('\n')));
        // Whole lines in their order, up to the last one: nothing was lost at the end.
        let lines: Vec<&str> = all.iter().flat_map(|text| text.lines()).collect();
        assert!(
            lines.is_sorted() && lines.last().is_some_and(|line| line.starts_with("1-000299 "))
        );
        fs::remove_dir_all(folder).ok();
    }

    #[test]
    fn an_old_file_that_was_removed_does_not_end_the_log() {
        let folder = folder();
        let file = LogFile::open(&settings(&folder), "api").expect("opens");
        let mut writer = file.writer();
        let mut fill = || {
            (0..100).for_each(|_| {
                writer.write_all("y".repeat(100).as_bytes()).expect("takes it");
            });
        };
        fill();
        drop(file);
        fs::remove_file(folder.join("wibe-api.log.1")).expect("was rotated");
        let file = LogFile::open(&settings(&folder), "api").expect("opens");
        let mut writer = file.writer();
        for n in 0..300 {
            if n == 150 {
                fs::remove_file(folder.join("wibe-api.log.1")).ok();
            }
            writer.write_all(format!("{n:06} {}\n", "x".repeat(50)).as_bytes()).expect("takes it");
        }
        drop(file);
        let text = fs::read_to_string(folder.join("wibe-api.log")).expect("a file");
        assert!(text.contains("000299 "), "{text}");
        fs::remove_dir_all(folder).ok();
    }

    #[test]
    fn two_processes_never_write_one_file() {
        let folder = folder();
        let settings = settings(&folder);
        let first = LogFile::open(&settings, "worker").expect("opens");
        let second = LogFile::open(&settings, "worker").expect("opens");
        let api = LogFile::open(&settings, "api").expect("opens");
        assert_eq!(names(&folder), ["wibe-api.log", "wibe-worker-2.log", "wibe-worker.log"]);
        drop((first, api));
        // Whoever comes next takes the name that has become free.
        let third = LogFile::open(&settings, "worker").expect("opens");
        assert_eq!(names(&folder).len(), 3);
        drop((second, third));
        fs::remove_dir_all(folder).ok();
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let wrong =
            LogFileSettings { path: "/dev/null/wibe.log".into(), ..settings(Path::new("/")) };
        let problem = LogFile::open(&wrong, "api").err().expect("is refused");
        assert!(problem.starts_with("LOG_FILE /dev/null/wibe.log: "), "{problem}");
    }
}
