//! A PostgreSQL of a test's own, as careful with data as production's: to crash and to start again.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};

use crate::environment::{PostgresUrls, environment};
use crate::process::{Process, eventually, free_port};

/// A PostgreSQL server of a test's own.
pub struct PostgresServer {
    process: Option<Process>,
    account: Account,
    home: PathBuf,
    port: u16,
    password: String,
}

/// As whom a server runs that refuses to run as root: as the one that the suite has started.
struct Account {
    uid: u32,
    gid: u32,
    is_caller: bool,
}

impl PostgresServer {
    /// Initialises and starts one on a free port, with the two roles.
    pub async fn start() -> Self {
        let port = free_port();
        let folder = &environment().folder;
        let home = folder.join(format!("postgres-{port}"));
        fs::create_dir(&home).expect("a folder for PostgreSQL");
        let account = Account::of(&folder.join("postgres"), &home);
        account.take(&home);
        let password = uuid::Uuid::new_v4().simple().to_string();
        let mut server = Self { process: None, account, home, port, password };
        server.initialise();
        server.launch().await;
        let roles = format!(
            "CREATE ROLE wibe_owner LOGIN CREATEDB PASSWORD '{0}'; CREATE ROLE wibe_app LOGIN PASSWORD '{0}'",
            server.password
        );
        server.admin().await.batch_execute(&roles).await.expect("makes the roles");
        server
    }

    fn initialise(&self) {
        let secret = self.home.join("password");
        fs::write(&secret, &self.password).expect("a password file");
        self.account.take(&secret);
        let mut initdb = self.account.command("initdb", &self.home);
        initdb.args(["-E", "UTF8", "--locale=C.UTF-8", "-U", "postgres", "--no-sync"]);
        initdb.args(["--auth-local=trust", "--auth-host=md5", "-D", "data"]);
        initdb.arg(format!("--pwfile={}", secret.display()));
        let output = initdb.stdin(Stdio::null()).output().expect("initdb runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn launch(&mut self) {
        let mut postgres = self.account.command("postgres", &self.home);
        postgres.args(["-D", "data", "-c", "listen_addresses=127.0.0.1"]);
        // As the suite's server: what a debug build does not spend on SCRAM.
        postgres.args(["-c", "password_encryption=md5"]);
        postgres.arg("-c").arg(format!("port={}", self.port));
        postgres.arg("-c").arg(format!("unix_socket_directories={}", self.home.display()));
        postgres.stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Process::launch(postgres));
        let url = self.urls().admin;
        eventually("PostgreSQL answers", async || AsyncPgConnection::establish(&url).await.is_ok())
            .await;
    }

    /// What `pg_ctl restart -m immediate` does: nothing is written any more, and it recovers from its log. Away for at
    /// least this long.
    pub async fn crash(&mut self, away: Duration) {
        if let Some(mut process) = self.process.take() {
            process.signal("QUIT");
            process.wait();
        }
        tokio::time::sleep(away).await;
        self.launch().await;
    }

    /// A connection as the superuser.
    pub async fn admin(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.urls().admin).await.expect("the superuser connects")
    }

    /// How it is reached.
    pub fn urls(&self) -> PostgresUrls {
        let url = |role: &str, database: &str| {
            format!("postgresql://{role}:{}@127.0.0.1:{}/{database}", self.password, self.port)
        };
        PostgresUrls {
            admin: url("postgres", "postgres"),
            owner: url("wibe_owner", ""),
            app: url("wibe_app", ""),
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // Fast, and with its children: a killed postmaster leaves them to notice by themselves.
            process.signal("INT");
            process.wait();
        }
        fs::remove_dir_all(&self.home).ok();
    }
}

impl Account {
    fn of(server: &Path, ours: &Path) -> Self {
        let (server, caller) = (fs::metadata(server), fs::metadata(ours).expect("was just made"));
        // A site without a server folder was not made by root.
        let server = server.as_ref().unwrap_or(&caller);
        Self { uid: server.uid(), gid: server.gid(), is_caller: server.uid() == caller.uid() }
    }

    fn take(&self, path: &Path) {
        if !self.is_caller {
            chown(path, Some(self.uid), Some(self.gid)).expect("is given away");
        }
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("is made private");
    }

    fn command(&self, program: &str, home: &Path) -> Command {
        let mut command = Command::new(environment().postgres_programs.join(program));
        command.current_dir(home).env_clear();
        if !self.is_caller {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }
}
