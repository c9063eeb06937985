//! What the tests need: the binaries, and servers of their own with a migrated template database.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::checkout::Checkout;
use crate::failure::Result;
use crate::interrupts;
use crate::postgres::{self, APP, OWNER};
use crate::prerequisites::{self, Need};
use crate::redis;
use crate::site::Site;

/// Tests clone this database instead of migrating their own.
const TEMPLATE: &str = "wibe_template";
/// A test must not be able to touch a database that the caller works with.
const CALLERS: [&str; 4] =
    ["DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"];

/// Throw-away servers, and what the tests are told about them.
pub(crate) struct Suite {
    site: Site,
    environment: Vec<(&'static str, String)>,
}

impl Suite {
    /// Builds the binaries, starts the servers and migrates the template.
    pub(crate) fn start(checkout: &Checkout) -> Result<Self> {
        prerequisites::ensure(&[Need::Postgres, Need::Redis, Need::Prometheus])?;
        let (prometheus, promtool) = prerequisites::prometheus()?;
        let programs = checkout.build(false)?;
        let mut site = Site::throw_away("test", false)?;
        let cluster = postgres::start(&mut site)?;
        let redis = redis::start(&mut site)?;
        cluster.create_database(TEMPLATE)?;
        let mut wibe = Command::new(programs.join("wibe"));
        wibe.arg("migrate").current_dir(&site.workplace).env("APP_ENV", "test");
        wibe.env("MIGRATION_DATABASE_URL", cluster.url(OWNER, TEMPLATE));
        wibe.env("DATABASE_URL", cluster.url(APP, TEMPLATE)).env("REDIS_URL", format!("{redis}/0"));
        wibe.envs(checkout.cargo_env.iter().cloned());
        interrupts::run_well(&mut wibe, "wibe migrate", || {})?;
        let environment = vec![
            ("TEST_ADMIN_DATABASE_URL", cluster.superuser_url()?),
            ("TEST_OWNER_URL", cluster.url(OWNER, "")),
            ("TEST_APP_URL", cluster.url(APP, "")),
            ("TEST_REDIS_URL", redis),
            ("WIBE_BIN_DIR", text(&programs)),
            ("POSTGRES_BIN_DIR", text(&cluster.programs)),
            ("REDIS_SERVER", text(&prerequisites::redis_server()?)),
            ("PROMETHEUS", text(&prometheus)),
            ("PROMTOOL", text(&promtool)),
        ];
        Ok(Self { site, environment })
    }

    /// Runs `cargo test` over the workspace; its exit status is ours.
    pub(crate) fn test(&mut self, checkout: &Checkout, args: &[String]) -> Result<ExitCode> {
        let mut cargo = checkout.cargo();
        cargo.args(["test", "--workspace"]).args(args);
        for name in CALLERS {
            cargo.env_remove(name);
        }
        cargo.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let status = interrupts::run(&mut cargo, || self.site.processes.tend())?;
        Ok(interrupts::exit_code(status))
    }
}

/// `cargo xtask test`: the whole suite, with the caller's arguments passed through.
pub(crate) fn run(checkout: &Checkout, args: &[String]) -> Result<ExitCode> {
    Suite::start(checkout)?.test(checkout, args)
}

fn text(path: &Path) -> String {
    PathBuf::from(path).display().to_string()
}
