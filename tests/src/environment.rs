//! What `cargo xtask test` and `cargo xtask faults` tell the suite.

use std::path::PathBuf;
use std::sync::OnceLock;

/// Where the servers and binaries of this run are.
pub struct Environment {
    /// The PostgreSQL server that tests share.
    pub postgres: PostgresUrls,
    /// Redis, without a database number.
    pub redis_url: String,
    /// The folder of the built binaries.
    pub binaries: PathBuf,
    /// The `redis-server` program, for tests that wipe or stop their own.
    pub redis_server: PathBuf,
    /// The `prometheus` program, for the test of the dashboards and alerts.
    pub prometheus: PathBuf,
    /// The `promtool` program.
    pub promtool: PathBuf,
    /// The folder of PostgreSQL's programs, for tests that restart their own server.
    pub postgres_programs: PathBuf,
    /// The folder of this run: logs, pid files, and the data of servers that single tests start.
    pub folder: PathBuf,
    /// The library that shifts a process's clock.
    pub faketime: PathBuf,
}

/// How a PostgreSQL server is reached.
#[derive(Clone)]
pub struct PostgresUrls {
    /// The superuser's URL of the database `postgres`.
    pub admin: String,
    /// The schema owner's URL without a database name.
    pub owner: String,
    /// The application role's URL without a database name.
    pub app: String,
}

/// Reads it once.
///
/// # Panics
/// When the suite was not started by `cargo xtask test`.
pub fn environment() -> &'static Environment {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let read = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| {
                panic!("{name} is not set: run the suite with `cargo xtask test`")
            })
        };
        Environment {
            postgres: PostgresUrls {
                admin: read("TEST_ADMIN_DATABASE_URL"),
                owner: read("TEST_OWNER_URL"),
                app: read("TEST_APP_URL"),
            },
            redis_url: read("TEST_REDIS_URL").trim_end_matches('/').to_owned(),
            binaries: read("WIBE_BIN_DIR").into(),
            redis_server: read("REDIS_SERVER").into(),
            prometheus: read("PROMETHEUS").into(),
            promtool: read("PROMTOOL").into(),
            postgres_programs: read("POSTGRES_BIN_DIR").into(),
            folder: read("TEST_FOLDER").into(),
            faketime: read("LIBFAKETIME").into(),
        }
    })
}
