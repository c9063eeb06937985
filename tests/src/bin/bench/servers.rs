//! The servers that the bench was given, and the databases, roles and keys that it makes there and takes away again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use clap::Args;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use redis::AsyncCommands;
use redis::aio::ConnectionManager;
use reqwest::Url;
use shared::App;
use shared::settings::Settings;
use uuid::Uuid;

use crate::failure::{Attempt, Result};

/// The roles' password, one for the whole run.
static PASSWORD: OnceLock<String> = OnceLock::new();

/// Where everything is; `cargo xtask bench` says it in the environment.
#[derive(Args, Clone)]
pub(crate) struct Servers {
    /// The superuser's URL of the database `postgres`
    #[arg(long, env = "BENCH_ADMIN_DATABASE_URL", hide_env_values = true)]
    admin_database_url: Url,
    /// Redis, without a database number
    #[arg(long, env = "BENCH_REDIS_URL", hide_env_values = true)]
    redis_url: String,
    /// The folder of the built binaries
    #[arg(long, env = "WIBE_BIN_DIR")]
    pub(crate) binaries: PathBuf,
    /// The pgbench program
    #[arg(long, env = "PGBENCH", default_value = "pgbench")]
    pub(crate) pgbench: PathBuf,
}

/// A migrated database, owned and used by two roles as in production.
#[derive(Clone)]
pub(crate) struct Database {
    admin: Url,
    /// The URL of the schema's owner.
    pub(crate) owner: Url,
    /// The application role's URL.
    pub(crate) app: Url,
}

impl Servers {
    /// Creates a database and migrates it.
    pub(crate) async fn database(&self, purpose: &str) -> Result<Database> {
        let database = self.empty_database(purpose).await?;
        let settings = Settings::from_vars(database.variables()).attempt("settings")?;
        shared::migrate::migrate(&settings.database)
            .await
            .attempt("the bench's database is not migrated")?;
        Ok(database)
    }

    /// Creates a database with nothing in it.
    pub(crate) async fn empty_database(&self, purpose: &str) -> Result<Database> {
        let (owner, app) = roles();
        let name = database_name(purpose);
        let mut admin = connect(&self.admin_database_url).await?;
        let password = PASSWORD.get_or_init(|| Uuid::new_v4().simple().to_string());
        for role in [&owner, &app] {
            execute(&mut admin, &format!("DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$")).await?;
            execute(&mut admin, &format!("ALTER ROLE {role} LOGIN PASSWORD '{password}'")).await?;
        }
        execute(&mut admin, &format!("CREATE DATABASE {name} OWNER {owner}")).await?;
        let url = |role: Option<&str>| {
            let mut url = self.admin_database_url.clone();
            url.set_path(&name);
            if let Some(role) = role {
                let set = url.set_username(role).and_then(|()| url.set_password(Some(password)));
                set.map_err(|()| "BENCH_ADMIN_DATABASE_URL names no host".to_owned())?;
            }
            Ok::<_, String>(url)
        };
        Ok(Database { admin: url(None)?, owner: url(Some(&owner))?, app: url(Some(&app))? })
    }

    /// Redis with a database number, as the processes want it.
    pub(crate) fn redis_url(&self) -> String {
        format!("{}/0", self.redis_url.trim_end_matches('/'))
    }

    /// A connection to Redis.
    pub(crate) async fn redis(&self) -> Result<ConnectionManager> {
        let client = redis::Client::open(self.redis_url()).attempt("BENCH_REDIS_URL")?;
        client.get_connection_manager().await.attempt("Redis does not answer")
    }

    /// A connection as the superuser.
    pub(crate) async fn admin(&self) -> Result<AsyncPgConnection> {
        connect(&self.admin_database_url).await
    }

    /// Removes the keys that start with a prefix.
    pub(crate) async fn forget(&self, prefix: &str) -> Result<()> {
        let mut conn = self.redis().await?;
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(5_000);
            let (next, keys): (u64, Vec<String>) =
                scan.query_async(&mut conn).await.attempt("keys are not listed")?;
            if !keys.is_empty() {
                conn.unlink::<_, u64>(keys).await.attempt("keys are not removed")?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Takes away whatever this run has made, as far as the servers still answer.
    pub(crate) async fn tidy_up(&self) {
        if let Ok(mut admin) = self.admin().await {
            for purpose in PURPOSES {
                admin
                    .batch_execute(&format!(
                        "DROP DATABASE IF EXISTS {} WITH (FORCE)",
                        database_name(purpose)
                    ))
                    .await
                    .ok();
            }
            let (owner, app) = roles();
            admin
                .batch_execute(&format!("DROP ROLE IF EXISTS {app}; DROP ROLE IF EXISTS {owner}"))
                .await
                .ok();
        }
        self.forget(&prefix()).await.ok();
    }
}

/// What databases are made for.
const PURPOSES: [&str; 15] = [
    "purchases",
    "sales",
    "burndown",
    "river",
    "graphile",
    "latency",
    "steady",
    "money",
    "shallow",
    "deep",
    "herd",
    "retries",
    "held",
    "memory",
    "passwords",
];

fn database_name(purpose: &str) -> String {
    format!("wibe_bench_{purpose}_{}", std::process::id())
}

fn roles() -> (String, String) {
    let process = std::process::id();
    (format!("wibe_bench_owner_{process}"), format!("wibe_bench_app_{process}"))
}

/// What every Redis key of this run starts with.
pub(crate) fn prefix() -> String {
    format!("wibe-bench-{}", std::process::id())
}

impl Database {
    /// A connection as the superuser.
    pub(crate) async fn admin(&self) -> Result<AsyncPgConnection> {
        connect(&self.admin).await
    }

    /// The variables that point a process at this database, with what every process of the bench is told.
    pub(crate) fn variables(&self) -> HashMap<String, String> {
        let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        HashMap::from(
            [
                ("APP_ENV", "test"),
                ("DATABASE_URL", self.app.as_str()),
                ("MIGRATION_DATABASE_URL", self.owner.as_str()),
                ("LOG_LEVEL", "warn"),
                ("RATE_LIMIT_API", "off"),
                ("RATE_LIMIT_AUTH", "off"),
                ("JWT_ACCESS_TOKEN_LIFETIME", "1440"),
            ]
            .map(text),
        )
    }

    /// The platform, as these variables have it.
    pub(crate) fn app(variables: HashMap<String, String>) -> Result<App> {
        let settings = Settings::from_vars(variables).attempt("settings")?;
        App::new(settings).attempt("the platform is not built")
    }

    /// Runs statements as the superuser.
    pub(crate) async fn execute(&self, sql: &str) -> Result<()> {
        execute(&mut self.admin().await?, sql).await
    }

    /// The same state for whoever comes next: statistics, no dead rows in the way, nothing waiting to be written.
    pub(crate) async fn settle(&self) -> Result<()> {
        let mut admin = self.admin().await?;
        execute(&mut admin, "VACUUM (ANALYZE)").await?;
        execute(&mut admin, "CHECKPOINT").await
    }
}

/// Runs statements.
pub(crate) async fn execute(conn: &mut AsyncPgConnection, sql: &str) -> Result<()> {
    conn.batch_execute(sql).await.attempt(sql)
}

/// The number that a query selects.
pub(crate) async fn number(conn: &mut AsyncPgConnection, sql: &str) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let row: Number = diesel::sql_query(format!("SELECT ({sql})::bigint AS n"))
        .get_result(conn)
        .await
        .attempt(sql)?;
    Ok(row.n)
}

/// The text that a query selects.
pub(crate) async fn text(conn: &mut AsyncPgConnection, sql: &str) -> Result<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        t: String,
    }
    let row: Line = diesel::sql_query(format!("SELECT ({sql})::text AS t"))
        .get_result(conn)
        .await
        .attempt(sql)?;
    Ok(row.t)
}

async fn connect(url: &Url) -> Result<AsyncPgConnection> {
    AsyncPgConnection::establish(url.as_str()).await.attempt("PostgreSQL does not answer")
}
