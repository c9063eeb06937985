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

/// How careful the servers are with data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Servers {
    /// As careful as production's.
    Durable,
    /// As quick as they can be.
    Quick,
}

/// How the binaries are built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// As they are deployed.
    Release,
    /// As a developer builds them.
    Quick,
}

/// Throw-away servers, and what the tests are told about them.
pub(crate) struct Suite {
    site: Site,
    programs: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Suite {
    /// Builds the binaries, starts the servers and migrates the template.
    pub(crate) fn start(
        checkout: &Checkout,
        purpose: &str,
        servers: Servers,
        build: Build,
    ) -> Result<Self> {
        prerequisites::ensure(&[Need::Postgres, Need::Redis, Need::Prometheus, Need::Faketime])?;
        let (prometheus, promtool) = prerequisites::prometheus()?;
        let programs = checkout.build(build == Build::Release)?;
        let mut site = Site::throw_away(purpose, servers == Servers::Durable)?;
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
            ("LIBFAKETIME", text(&prerequisites::faketime_library()?)),
            ("TEST_FOLDER", text(&site.folder)),
        ];
        Ok(Self { site, programs, environment })
    }

    /// Where one of the built binaries is.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Runs `cargo test` over the workspace; its exit status is ours.
    pub(crate) fn test(&mut self, checkout: &Checkout, args: &[String]) -> Result<ExitCode> {
        let mut cargo = checkout.cargo();
        cargo.args(["test", "--workspace"]).args(args);
        self.run(checkout, cargo)
    }

    /// Runs a command that knows these servers and none of the caller's; its exit status is ours.
    pub(crate) fn run(&mut self, checkout: &Checkout, mut command: Command) -> Result<ExitCode> {
        for name in CALLERS {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let status = interrupts::run(&mut command, || self.site.processes.tend())?;
        if !status.success() {
            self.site.keep_logs(&checkout.local());
        }
        Ok(interrupts::exit_code(status))
    }
}

/// `cargo xtask test`: the whole suite, with the caller's arguments passed through.
pub(crate) fn run(checkout: &Checkout, args: &[String]) -> Result<ExitCode> {
    Suite::start(checkout, "test", Servers::Quick, Build::Quick)?.test(checkout, args)
}

fn text(path: &Path) -> String {
    PathBuf::from(path).display().to_string()
}
