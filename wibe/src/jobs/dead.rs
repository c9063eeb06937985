//! `wibe jobs retry-dead` and `discard-dead`: all dead jobs of a kind.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use shared::jobs::operate::{self, Dead, Mass};
use shared::{App, Result};

use super::Why;
use super::output::Output;
use super::table::cell;
use super::when::{When, when};
use super::who::operator;

#[derive(Args)]
pub(super) struct Chosen {
    /// The kind; `wibe jobs kinds --failing` lists those that have dead jobs.
    kind: String,
    /// Only those that died before: 2h (ago), or 2026-11-25T10:00:00Z.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    died_before: Option<When>,
    /// At most so many, the longest dead first. Default: all.
    #[arg(long, default_value_t = i64::MAX, hide_default_value = true, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
    #[command(flatten)]
    why: Why,
}

impl Chosen {
    async fn dead(&self, app: &App) -> Result<Dead> {
        let died_before = When::moment(app, self.died_before).await?;
        Ok(Dead { kind: self.kind.clone(), died_before, limit: self.limit })
    }
}

pub(super) async fn retry(app: &App, output: Output, chosen: &Chosen) -> Result<ExitCode> {
    let (by, dead) = (operator(&chosen.why)?, chosen.dead(app).await?);
    let mass = operate::retry_dead(&app.db, &by, &dead).await?;
    Ok(say(output, &dead.kind, "run again", mass))
}

pub(super) async fn discard(app: &App, output: Output, chosen: &Chosen) -> Result<ExitCode> {
    let (by, dead) = (operator(&chosen.why)?, chosen.dead(app).await?);
    let mass = operate::discard_dead(&app.db, &by, &dead).await?;
    Ok(say(output, &dead.kind, "are discarded", mass))
}

#[derive(Serialize)]
struct Said<'a> {
    kind: &'a str,
    #[serde(flatten)]
    mass: Mass,
}

fn say(output: Output, kind: &str, what: &str, mass: Mass) -> ExitCode {
    output.say(&Said { kind, mass }, || {
        let mut text = format!("{} dead jobs of {} {what}", mass.changed, cell(kind, 100));
        if mass.skipped > 0 {
            let skipped = mass.skipped;
            text.push_str(&format!("; {skipped} stay dead: a live job has their business key"));
        }
        if mass.more {
            text.push_str("; there may be more");
        }
        text
    });
    ExitCode::SUCCESS
}
