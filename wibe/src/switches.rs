//! `wibe switches`: what stops money from leaving.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use shared::switches::{self, Switch, SwitchRow};
use shared::{App, Outcome};

use crate::Failure;
use crate::jobs::actor;

#[derive(Args)]
pub(crate) struct Switches {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Stops withdrawals or releases.
    Off(Chosen),
    /// Lets them go on; what the ledger's check had found is acknowledged.
    On(Chosen),
}

#[derive(Args)]
struct Chosen {
    /// withdrawals or releases.
    #[arg(value_parser = switch)]
    switch: Switch,
    /// Why; kept in the audit log.
    #[arg(long)]
    reason: String,
}

pub(crate) async fn run(app: &App, command: Switches) -> Result<ExitCode, Failure> {
    match command.verb {
        None => {
            for row in switches::all(&mut *app.db.read().await?).await? {
                println!("{}", line(&row));
            }
        }
        Some(Verb::Off(Chosen { switch, reason })) => {
            let turn = app
                .db
                .transaction(async |tx| switches::switch_off(tx, actor(), switch, &reason).await);
            say(&turn.await?);
        }
        Some(Verb::On(Chosen { switch, reason })) => {
            let turn = app
                .db
                .transaction(async |tx| switches::switch_on(tx, actor(), switch, &reason).await);
            say(&turn.await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn say((row, outcome): &(SwitchRow, Outcome)) {
    let already = if *outcome == Outcome::AlreadyDone { " already" } else { "" };
    println!("{}{already}", line(row));
}

/// One switch in a line.
fn line(row: &SwitchRow) -> String {
    match (row.off_at, row.off_by.as_deref(), row.reason.as_deref()) {
        (Some(at), Some(by), Some(reason)) => {
            let at = at.format("%Y-%m-%d %H:%M:%S UTC");
            format!("{:<11}  off since {at} by {by}: {reason}", row.name.as_str())
        }
        (_, _, _) => format!("{:<11}  on", row.name.as_str()),
    }
}

fn switch(text: &str) -> Result<Switch, String> {
    Switch::parse(text).ok_or_else(|| "must be withdrawals or releases".to_owned())
}
