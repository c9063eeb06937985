//! `wibe clock`: business time, which tests and demos move.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use shared::App;
use shared::settings::parse_duration;
use shared::testing::clock;

use crate::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Says what time it is, and how far that is ahead of real time.
    Show,
    /// Moves business time forward: `wibe clock advance 25h`. Never in production.
    Advance {
        /// A duration such as 90s, 30m, 25h or 2d.
        #[arg(value_parser = duration)]
        by: Duration,
    },
}

pub(crate) async fn run(app: &App, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Show => {}
        Command::Advance { by } => clock::advance(&app.settings, by).await?,
    }
    let conn = &mut app.db.read().await?;
    let (now, shift) = (clock::now(conn).await?, clock::shift(conn).await?);
    println!("{} ({} s ahead of real time)", now.to_rfc3339(), shift.num_seconds());
    Ok(ExitCode::SUCCESS)
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "must be a duration such as 90s, 30m, 25h or 2d".to_owned())
}
