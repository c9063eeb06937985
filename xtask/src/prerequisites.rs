//! What a bare machine lacks: `PostgreSQL` and Redis, and for the suite Prometheus and a library that lies about the
//! time. Found or installed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::geteuid;

use crate::console::say;
use crate::failure::{Attempt, Result};

/// The oldest `PostgreSQL` that the migrations are written for.
const POSTGRES_MIN: u32 = 15;
/// The oldest Redis that the job transport is tested with.
const REDIS_MIN: u32 = 7;
/// Debian keeps the server's programs here, one folder per major version, outside of `PATH`.
const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";
/// Where libraries live, and what this one is called.
const LIBRARY_FOLDERS: [&str; 5] = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/opt/homebrew/lib",
    "/usr/local/opt/libfaketime/lib",
];
const FAKETIME_NAMES: [&str; 2] = ["libfaketimeMT.so.1", "libfaketimeMT.1.dylib"];
/// Where servers live when `PATH` is an ordinary user's.
const SYSTEM_FOLDERS: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/usr/sbin"];

/// A server that must be on this machine; its name is Debian's package.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// The database's server and client programs.
    Postgres,
    /// The Redis server.
    Redis,
    /// Prometheus and its promtool: the suite checks dashboards and alerts with it. Only ever started by us.
    Prometheus,
    /// The library that shifts a process's clock.
    Faketime,
}

/// Makes sure that every need is there: installs on Debian and Ubuntu, says how elsewhere.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<Need> = needs.iter().copied().filter(|need| !is_there(*need)).collect();
    if !missing.is_empty() {
        install(&missing)?;
        if let Some(need) = missing.into_iter().find(|need| !is_there(*need)) {
            return Err(format!("{} is installed, but its server was not found", need.package()));
        }
    }
    needs.iter().try_for_each(|need| match need {
        Need::Postgres => postgres_folder().map(drop),
        Need::Redis => redis_server().map(drop),
        Need::Prometheus => prometheus().map(drop),
        Need::Faketime => faketime_library().map(drop),
    })
}

/// The folder of the newest `PostgreSQL`'s programs.
pub(crate) fn postgres_folder() -> Result<PathBuf> {
    let (major, folder) = newest_postgres().ok_or("no PostgreSQL server was found")?;
    if major < POSTGRES_MIN {
        return Err(format!(
            "PostgreSQL {major} is too old: install {POSTGRES_MIN} or newer ({} holds the newest found)",
            folder.display()
        ));
    }
    Ok(folder)
}

/// The major version of the `PostgreSQL` whose programs are in `folder`.
pub(crate) fn postgres_major(folder: &Path) -> Option<u32> {
    // `postgres (PostgreSQL) 17.2 (Debian 17.2-1)`, and `18beta1` before a release
    major_of(&folder.join("postgres"), "(PostgreSQL) ")
}

/// The program that serves Redis.
pub(crate) fn redis_server() -> Result<PathBuf> {
    let program = on_path("redis-server").ok_or("no redis-server was found")?;
    // `Redis server v=7.0.15 sha=…`
    match major_of(&program, "v=") {
        Some(major) if major < REDIS_MIN => {
            Err(format!("Redis {major} is too old: install {REDIS_MIN} or newer"))
        }
        Some(_) | None => Ok(program),
    }
}

/// The program that scrapes, and the one that checks rules.
pub(crate) fn prometheus() -> Result<(PathBuf, PathBuf)> {
    let both = on_path("prometheus").zip(on_path("promtool"));
    both.ok_or_else(|| "prometheus and promtool were not found".to_owned())
}

/// The library to preload into a process whose host's clock is to be wrong.
pub(crate) fn faketime_library() -> Result<PathBuf> {
    let in_folder = |folder: PathBuf| {
        FAKETIME_NAMES
            .iter()
            .map(|name| folder.join("faketime").join(name))
            .find(|path| path.is_file())
    };
    LIBRARY_FOLDERS
        .iter()
        .flat_map(|folder| {
            // Debian has a folder per architecture in between.
            let inner = fs::read_dir(folder).into_iter().flatten();
            let inner = inner.filter_map(|entry| Some(entry.ok()?.path()));
            inner.chain([PathBuf::from(folder)])
        })
        .find_map(in_folder)
        .ok_or_else(|| "no libfaketime was found".to_owned())
}

fn major_of(program: &Path, before: &str) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_once(before)?.1;
    version.split(|sign: char| !sign.is_ascii_digit()).next()?.parse().ok()
}

impl Need {
    fn package(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::Redis => "redis-server",
            Self::Prometheus => "prometheus",
            Self::Faketime => "faketime",
        }
    }
}

fn is_there(need: Need) -> bool {
    match need {
        Need::Postgres => newest_postgres().is_some(),
        Need::Redis => on_path("redis-server").is_some(),
        Need::Prometheus => prometheus().is_ok(),
        Need::Faketime => faketime_library().is_ok(),
    }
}

fn newest_postgres() -> Option<(u32, PathBuf)> {
    let debian = fs::read_dir(DEBIAN_POSTGRES).into_iter().flatten();
    let debian = debian.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let newest = debian.filter_map(with_major).max();
    newest.or_else(|| {
        // The other programs are beside the real one, not beside a link to it.
        let program = on_path("postgres")?.canonicalize().ok()?;
        with_major(program.parent()?.to_owned())
    })
}

fn with_major(folder: PathBuf) -> Option<(u32, PathBuf)> {
    let complete = folder.join("initdb").is_file();
    if complete { Some((postgres_major(&folder)?, folder)) } else { None }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SYSTEM_FOLDERS.map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// Installs with apt where that needs no question; everywhere else the developer gets the command.
fn install(missing: &[Need]) -> Result<()> {
    let packages: Vec<&str> = missing.iter().map(|need| need.package()).collect();
    let names = packages.join(" and ");
    if on_path("apt-get").is_none() || !may_install() {
        return Err(format!("{names} missing; install with: {}", command_for(missing)));
    }
    say(format_args!("installing {names} (other servers on this machine are left alone) …"));
    apt_get(&["update"])?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    apt_get(&arguments)?;
    if missing.contains(&Need::Prometheus) {
        keep_quiet("prometheus");
    }
    Ok(())
}

/// Debian starts what it installs, and its Prometheus listens to the whole network: nobody here asked for that one.
/// Where there is no systemd, nothing was started.
fn keep_quiet(service: &str) {
    let mut systemctl = as_root("systemctl");
    systemctl.args(["disable", "--now", service]);
    systemctl.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().ok();
}

/// Root, or someone whom sudo asks for no password.
fn may_install() -> bool {
    let sudo = || {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
        sudo.status().is_ok_and(|status| status.success())
    };
    geteuid().is_root() || sudo()
}

fn as_root(program: &str) -> Command {
    if geteuid().is_root() {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", program]);
    sudo
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = as_root("env");
    // On a fresh machine another apt may still be at work: wait for it.
    command.args([
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-q",
        "-o",
        "DPkg::Lock::Timeout=120",
    ]);
    let status = command.args(arguments).stdin(Stdio::null()).status();
    let status = status.attempt("cannot run apt-get")?;
    let what = arguments.first().copied().unwrap_or_default();
    if status.success() { Ok(()) } else { Err(format!("apt-get {what} failed ({status})")) }
}

/// The exact command for this platform.
fn command_for(missing: &[Need]) -> String {
    const MANAGERS: [(&str, &str, [&str; 3]); 4] = [
        ("brew", "brew install", ["postgresql@17", "redis", "prometheus"]),
        (
            "dnf",
            "sudo dnf install",
            ["postgresql-server postgresql-contrib", "redis", "golang-github-prometheus"],
        ),
        ("pacman", "sudo pacman -S", ["postgresql", "redis", "prometheus"]),
        (
            "apt-get",
            "sudo apt-get update && sudo apt-get install",
            ["postgresql", "redis-server", "prometheus"],
        ),
    ];
    let known = MANAGERS.into_iter().find(|(program, ..)| on_path(program).is_some());
    let Some((program, install, [postgres, redis, prometheus])) = known else {
        return format!(
            "your package manager: PostgreSQL {POSTGRES_MIN} or newer, Redis {REDIS_MIN} and, for the suite, Prometheus"
        );
    };
    let packages = missing.iter().map(|need| match need {
        Need::Postgres => postgres,
        Need::Redis => redis,
        Need::Prometheus => prometheus,
        Need::Faketime if program == "apt-get" => "faketime",
        Need::Faketime => "libfaketime",
    });
    let mut command = format!("{install} {}", packages.collect::<Vec<_>>().join(" "));
    if program == "brew" && missing.contains(&Need::Postgres) {
        command.push_str(" && brew link --force postgresql@17");
    }
    command
}
