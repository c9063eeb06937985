//! `wibe jobs kinds`.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use shared::jobs::operate::{self, KindView};
use shared::jobs::{DEPTH_MAX, Queue};
use shared::{App, Result};

use super::output::Output;
use super::table::{Column, cell, counted, table};
use super::when::stamp;

/// Characters of an error in a line.
const ERROR_MAX: usize = 60;

#[derive(Args)]
pub(super) struct Which {
    /// Only those with dead jobs.
    #[arg(long)]
    failing: bool,
}

pub(super) async fn list(app: &App, output: Output, which: &Which) -> Result<ExitCode> {
    let mut kinds = operate::kinds(&mut *app.db.read().await?).await?;
    kinds.retain(|kind| !which.failing || kind.dead > 0);
    let shown: Vec<_> = kinds.iter().map(Shown::from).collect();
    output.say(&json!({ "count": shown.len(), "results": shown }), || text(&kinds));
    Ok(ExitCode::SUCCESS)
}

/// A kind as the admin API shows it.
#[derive(Serialize)]
struct Shown<'a> {
    kind: &'a str,
    awaited_with: Option<&'a str>,
    queue: Option<Queue>,
    runner: Option<&'a str>,
    args_version: Option<i16>,
    max_attempts: Option<i16>,
    timeout_seconds: Option<u64>,
    backoff_seconds: Option<u64>,
    backoff_max_seconds: Option<u64>,
    dead: i64,
    dead_since: Option<DateTime<Utc>>,
    last_error: Option<&'a str>,
}

impl<'a> From<&'a KindView> for Shown<'a> {
    fn from(view: &'a KindView) -> Self {
        let rules = view.rules;
        let limits = rules.map(|rules| rules.limits);
        Self {
            kind: view.kind,
            awaited_with: view.awaited_with,
            queue: rules.map(|rules| rules.queue),
            runner: rules.map(|rules| rules.runner),
            args_version: rules.map(|rules| rules.args_version),
            max_attempts: limits.map(|limits| limits.max_attempts),
            timeout_seconds: limits.map(|limits| limits.timeout.as_secs()),
            backoff_seconds: limits.map(|limits| limits.backoff.base.as_secs()),
            backoff_max_seconds: limits.map(|limits| limits.backoff.max.as_secs()),
            dead: view.dead,
            dead_since: view.dead_since,
            last_error: view.last_error.as_deref(),
        }
    }
}

fn text(kinds: &[KindView]) -> String {
    if kinds.is_empty() {
        return "no kind has dead jobs".to_owned();
    }
    let rows: Vec<_> = kinds.iter().map(line).collect();
    let heads = [
        Column::Left("KIND"),
        Column::Left("QUEUE"),
        Column::Left("RUNS AS"),
        Column::Right("TRIES"),
        Column::Right("TIMEOUT"),
        Column::Right("DEAD"),
        Column::Left("DEAD SINCE"),
        Column::Left("LAST ERROR"),
    ];
    let mut lines = vec![table(heads, &rows)];
    for view in kinds {
        lines.extend(view.awaited_with.map(|domain| format!("{} comes with {domain}", view.kind)));
    }
    lines.join("\n")
}

fn line(view: &KindView) -> [String; 8] {
    let rules = view.rules;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        view.kind.to_owned(),
        or_dash(rules.map(|rules| rules.queue.to_string())),
        rules.map_or("awaited", |rules| rules.runner).to_owned(),
        or_dash(rules.map(|rules| rules.limits.max_attempts.to_string())),
        or_dash(rules.map(|rules| format!("{}s", rules.limits.timeout.as_secs()))),
        counted(view.dead, DEPTH_MAX),
        view.dead_since.map(stamp).unwrap_or_default(),
        view.last_error.as_deref().map(|error| cell(error, ERROR_MAX)).unwrap_or_default(),
    ]
}
