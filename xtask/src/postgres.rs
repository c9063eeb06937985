//! A private `PostgreSQL`: its own data, its own socket, its own port, nobody else's settings.

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::account::Account;
use crate::failure::{Attempt, Result};
use crate::files;
use crate::interrupts;
use crate::prerequisites;
use crate::service::{Output, Role, Service};
use crate::site::Site;

/// The role that owns the schema.
pub(crate) const OWNER: &str = "wibe_owner";
/// The role that the processes use.
pub(crate) const APP: &str = "wibe_app";
const SUPERUSER: &str = "postgres";

const START_MAX: Duration = Duration::from_secs(60);
/// What a throw-away cluster hashes passwords with: a debug build spends fifty milliseconds per connection on SCRAM.
const QUICK_HASH: &str = "password_encryption=md5";
/// What a throw-away cluster does without: it does not outlive its run.
const CARELESS: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// A running cluster.
pub(crate) struct Cluster {
    /// The folder of the server's own programs.
    pub(crate) programs: PathBuf,
    home: PathBuf,
    port: u16,
    password: String,
}

/// Initialises the cluster if it is new, starts it, and makes sure that its two roles exist.
pub(crate) fn start(site: &mut Site) -> Result<Cluster> {
    let programs = prerequisites::postgres_folder()?;
    let account = Account::find()?;
    let home = site.postgres_home(account)?;
    let cluster =
        Cluster { password: password(&home)?, port: site.ports.take("postgres")?, home, programs };
    cluster.initialise(account, site)?;
    let log = site.log("postgres")?;
    site.processes.start(cluster.service(account, site, log.clone()))?;
    let is_up = || cluster.is_up();
    if !site.processes.tend_until(START_MAX, is_up)? {
        return Err(format!("PostgreSQL does not start:\n{}", files::tail(&log, 5)));
    }
    cluster.create_roles()?;
    Ok(cluster)
}

impl Cluster {
    /// The URL of a database over TCP, for one of the roles; an empty database name is a prefix.
    pub(crate) fn url(&self, role: &str, database: &str) -> String {
        format!("postgresql://{role}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// The URL of the superuser, who may come over TCP only once this was called.
    pub(crate) fn superuser_url(&self) -> Result<String> {
        self.sql(&format!("ALTER ROLE {SUPERUSER} PASSWORD '{}'", self.password))?;
        Ok(self.url(SUPERUSER, "postgres"))
    }

    /// Creates a database of the owner's, unless it exists.
    pub(crate) fn create_database(&self, name: &str) -> Result<()> {
        let found = self.sql(&format!("SELECT 1 FROM pg_database WHERE datname = '{name}'"))?;
        if found.is_empty() {
            self.sql(&format!("CREATE DATABASE {name} OWNER {OWNER}"))?;
        }
        Ok(())
    }

    fn initialise(&self, account: Account, site: &Site) -> Result<()> {
        let data = self.home.join("data");
        if data.join("PG_VERSION").is_file() {
            return self.check_version();
        }
        // Made under another name: a folder called `data` is always a whole one.
        let draft = self.home.join("data.new");
        files::remove(&draft)?;
        let mut initdb = account.command(&self.programs.join("initdb"), &self.home);
        initdb.args(["-E", "UTF8", "--locale=C.UTF-8", "--auth-local=trust"]);
        let hash = if site.throw_away { "md5" } else { "scram-sha-256" };
        initdb.arg(format!("--auth-host={hash}")).args(["-U", SUPERUSER, "-D"]).arg(&draft);
        if !site.durable {
            initdb.arg("--no-sync");
        }
        let log = self.home.join("initdb.log");
        let output = File::create(&log).attempt("cannot write initdb's log")?;
        let errors = output.try_clone().attempt("cannot write initdb's log")?;
        initdb.stdin(Stdio::null()).stdout(output).stderr(errors);
        if !interrupts::run(&mut initdb, || {})?.success() {
            return Err(format!("initdb failed:\n{}", files::tail(&log, 5)));
        }
        fs::rename(&draft, &data).attempt(format_args!("cannot create {}", data.display()))
    }

    fn check_version(&self) -> Result<()> {
        let version = fs::read_to_string(self.home.join("data/PG_VERSION")).unwrap_or_default();
        let (data, server) = (version.trim(), prerequisites::postgres_major(&self.programs));
        if server.is_some_and(|server| server.to_string() == data) {
            return Ok(());
        }
        let server = server.map_or("another version".to_owned(), |major| major.to_string());
        Err(format!(
            "the data in .local is PostgreSQL {data}'s and the server here is {server}: \
             start anew with `cargo xtask up --fresh`"
        ))
    }

    fn service(&self, account: Account, site: &Site, log: PathBuf) -> Service {
        let mut command = account.command(&self.programs.join("postgres"), &self.home);
        command.arg("-D").arg(self.home.join("data"));
        let mut settings = vec![
            format!("port={}", self.port),
            format!("unix_socket_directories=\"{}\"", self.home.display()),
            format!("max_connections={}", if site.throw_away { 600 } else { 200 }),
            "listen_addresses=127.0.0.1".to_owned(),
        ];
        if site.throw_away {
            settings.push(QUICK_HASH.to_owned());
        }
        if !site.durable {
            settings.extend(CARELESS.map(str::to_owned));
        }
        for setting in settings {
            command.arg("-c").arg(setting);
        }
        let name = "postgres".to_owned();
        Service { name, command, role: Role::Server(Signal::SIGINT), output: Output::File(log) }
    }

    fn create_roles(&self) -> Result<()> {
        for (role, rights) in [(OWNER, "LOGIN CREATEDB"), (APP, "LOGIN")] {
            let found = self.sql(&format!("SELECT 1 FROM pg_roles WHERE rolname = '{role}'"))?;
            let verb = if found.is_empty() { "CREATE" } else { "ALTER" };
            self.sql(&format!("{verb} ROLE {role} {rights} PASSWORD '{}'", self.password))?;
        }
        Ok(())
    }

    fn is_up(&self) -> bool {
        self.client("pg_isready").arg("-q").status().is_ok_and(|status| status.success())
    }

    /// Runs one statement as the superuser, over the socket that only we can reach.
    fn sql(&self, statement: &str) -> Result<String> {
        let mut psql = self.client("psql");
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement]);
        let output = psql.stdin(Stdio::null()).output().attempt("cannot run psql")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// A client program, deaf to the caller's `PG…` variables.
    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        let port = self.port.to_string();
        command.current_dir(&self.home).arg("-h").arg(&self.home);
        command.args(["-p", &port, "-U", SUPERUSER, "-d", "postgres"]);
        command
    }
}

/// The roles' password: made once per cluster, kept where only its account and root can read.
fn password(home: &std::path::Path) -> Result<String> {
    let file = home.join("password");
    if let Ok(known) = fs::read_to_string(&file) {
        return Ok(known.trim().to_owned());
    }
    let mut random = [0_u8; 16];
    let source = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut random));
    source.attempt("cannot read random bytes")?;
    let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    files::write(&file, &password, 0o600)?;
    Ok(password)
}
