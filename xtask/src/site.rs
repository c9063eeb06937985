//! Where a set of servers and processes lives: one folder, its ports, its logs, its pid files.

use std::env;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;

use nix::unistd::geteuid;

use crate::account::Account;
use crate::checkout::Checkout;
use crate::console::say;
use crate::failure::{Attempt, Result};
use crate::files;
use crate::home;
use crate::leftovers;
use crate::ports::Ports;
use crate::supervisor::Supervisor;

/// Where large and lasting things go when they are not to be in the checkout.
const VAR_TMP: &str = "/var/tmp";
const THROW_AWAY: [&str; 4] = ["wibe-test-", "wibe-demo-", "wibe-bench-", "wibe-faults-"];

/// A place to run servers and processes in; dropping it stops them.
pub(crate) struct Site {
    /// Everything that the site keeps is in here.
    pub(crate) folder: PathBuf,
    /// The folder in which our processes run.
    pub(crate) workplace: PathBuf,
    /// The site's ports.
    pub(crate) ports: Ports,
    /// What runs here.
    pub(crate) processes: Supervisor,
    /// Whether its data must survive a crash.
    pub(crate) durable: bool,
    /// Whether it ends with the command that made it.
    pub(crate) throw_away: bool,
    // Held for as long as we live: it tells other runs that this site is in use.
    _lock: File,
}

impl Site {
    /// The checkout's own site, `.local`; what a killed run left in it is cleared away.
    pub(crate) fn local(checkout: &Checkout) -> Result<Self> {
        let folder = checkout.local();
        files::create_folder(&folder)?;
        let Some(mut lock) = files::lock(&folder.join("lock"))? else {
            let holder = fs::read_to_string(folder.join("lock")).unwrap_or_default();
            let holder = holder.trim();
            return Err(format!("`cargo xtask up` already runs in this checkout (pid {holder})"));
        };
        let noted = lock.set_len(0).and_then(|()| writeln!(lock, "{}", process::id()));
        noted.attempt("cannot write the lock file")?;
        let elsewhere = home::elsewhere(&checkout.root);
        leftovers::clear(&folder.join("run"), &[&checkout.root, &elsewhere])?;
        Self::open(folder, checkout.root.clone(), lock, true, false)
    }

    /// A site that is gone when this run ends; what killed runs left is cleared away.
    pub(crate) fn throw_away(purpose: &str, durable: bool) -> Result<Self> {
        let system = env::temp_dir();
        clear_dead(&system)?;
        clear_dead(Path::new(VAR_TMP))?;
        // The system's folder may be in memory, or closed to the account that runs Postgres.
        let fits = !durable && home::fits(&system.join("wibe-demo-1234567/postgres"));
        let base = if fits && Account::find()?.can_use(&system) { system } else { VAR_TMP.into() };
        let name = format!("wibe-{purpose}-{}", process::id());
        let (draft, folder) = (base.join(format!(".{name}")), base.join(name));
        let doing = format!("cannot create {}", folder.display());
        // Locked before it has its name: no other run may take it for a dead one's.
        fs::create_dir(&draft).attempt(&doing)?;
        fs::set_permissions(&draft, Permissions::from_mode(0o711)).attempt(&doing)?;
        let lock = files::lock(&draft.join("lock"))?.ok_or_else(|| doing.clone())?;
        fs::rename(&draft, &folder).attempt(&doing)?;
        let folder = folder.canonicalize().attempt(&doing)?;
        Self::open(folder.clone(), folder, lock, durable, true)
    }

    /// The log file of a server or process; the previous run's is kept beside it.
    pub(crate) fn log(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join("log");
        files::create_folder(&folder)?;
        let path = folder.join(format!("{name}.log"));
        fs::rename(&path, path.with_extension("log.1")).ok();
        Ok(path)
    }

    /// Saves a throw-away site's logs into `local`, because something went wrong.
    pub(crate) fn keep_logs(&self, local: &Path) {
        let kept = local.join("log").join("kept");
        files::remove(&kept).ok();
        files::create_folder(&kept).ok();
        for entry in fs::read_dir(self.folder.join("log")).into_iter().flatten().flatten() {
            fs::copy(entry.path(), kept.join(entry.file_name())).ok();
        }
        say(format_args!("logs: {}", kept.display()));
    }

    /// The folder of `PostgreSQL`'s data and socket.
    pub(crate) fn postgres_home(&self, account: Account) -> Result<PathBuf> {
        let inside = self.folder.join("postgres");
        if self.throw_away {
            account.own(&inside)?;
            return Ok(inside);
        }
        home::settle(&inside, &home::elsewhere(&self.workplace), account)
    }

    /// Forgets all data, so that the next start is a first one.
    pub(crate) fn forget(&self) -> Result<()> {
        files::remove(&home::elsewhere(&self.workplace))?;
        for name in ["postgres", "redis", "mail", "sms", "media"] {
            files::remove(&self.folder.join(name))?;
        }
        Ok(())
    }

    fn open(
        folder: PathBuf,
        workplace: PathBuf,
        lock: File,
        durable: bool,
        throw_away: bool,
    ) -> Result<Self> {
        let run = folder.join("run");
        files::create_folder(&run)?;
        let ports = Ports::open(folder.join("ports"));
        let processes = Supervisor::new(run);
        Ok(Self { folder, workplace, ports, processes, durable, throw_away, _lock: lock })
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.processes.stop();
        if self.throw_away {
            files::remove(&self.folder).ok();
        }
    }
}

/// Removes the throw-away sites in `base` whose run is dead, and what still runs in them.
fn clear_dead(base: &Path) -> Result<()> {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours =
            entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw());
        if !ours || !THROW_AWAY.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let folder = entry.path();
        if let Some(_dead) = files::lock(&folder.join("lock"))? {
            leftovers::clear(&folder.join("run"), &[&folder])?;
            files::remove(&folder)?;
        }
    }
    Ok(())
}
