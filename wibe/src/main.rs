//! `wibe`, the operator's command: what people do to the platform by hand.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command speaks on standard output and complains on standard error"
)]

mod clock;
mod demo;
mod jobs;
mod ledger_check;
mod password;
mod roles;
mod superuser;
mod switches;
mod variables;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shared::accounts::Turn;
use shared::migrate::migrate;
use shared::settings::{Settings, SettingsError};
use shared::{App, Error};

/// Operates a WibeStore platform. Settings come from the environment, as for the processes.
#[derive(Parser)]
#[command(name = "wibe", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Brings the database to this version: schema, rights, reference data.
    Migrate,
    /// Makes the demo's people and listings, or finds them made. Never in production.
    SeedDemo,
    /// Checks the ledger's invariants; exits with 1 when one is violated.
    LedgerCheck,
    /// Makes a person who may do everything, or finds them made. The password comes from `WIBE_PASSWORD`, from standard
    /// input, or is asked for at a terminal; or it is made up and shown once.
    CreateSuperuser(superuser::Person),
    /// Gives a person a role: moderator, finance or superuser.
    GrantRole(roles::Change),
    /// Takes a role away from a person; their next request knows.
    RevokeRole(roles::Change),
    /// Shows jobs, queues and workers, and does to them what operators do.
    Jobs(jobs::Jobs),
    /// Shows what stops money from leaving, and switches it.
    Switches(switches::Switches),
    /// Shows or moves business time.
    #[command(subcommand)]
    Clock(clock::Command),
}

/// What went wrong, in one line.
#[derive(Debug)]
struct Failure(String);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error.causes())
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self(error.to_string())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(run(Cli::parse().command)).await {
        Ok(code) => code,
        Err(Failure(problem)) => {
            eprintln!("wibe: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    let settings = Settings::from_env()?;
    match command {
        Command::Migrate => {
            for migration in migrate(&settings.database).await? {
                println!("{migration}");
            }
            println!("the database is at this version");
            Ok(ExitCode::SUCCESS)
        }
        Command::SeedDemo => demo::seed(&App::new(settings)?).await,
        Command::LedgerCheck => ledger_check::check(&App::new(settings)?).await,
        Command::CreateSuperuser(person) => superuser::create(&App::new(settings)?, person).await,
        Command::GrantRole(change) => {
            roles::change(&App::new(settings)?, change, Turn::Grant).await
        }
        Command::RevokeRole(change) => {
            roles::change(&App::new(settings)?, change, Turn::Revoke).await
        }
        Command::Jobs(command) => jobs::run(&App::new(settings)?, command).await,
        Command::Switches(command) => switches::run(&App::new(settings)?, command).await,
        Command::Clock(command) => clock::run(&App::new(settings)?, command).await,
    }
}
