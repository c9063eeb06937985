//! `wibe jobs queues`, `pause` and `resume`.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::json;
use shared::jobs::operate::{self, Depth, Pause, QueueView};
use shared::jobs::{DEPTH_MAX, Queue};
use shared::{App, Outcome, Result};

use super::Why;
use super::output::Output;
use super::table::{Column, cell, counted, maybe_span, table};
use super::when::stamp;
use super::who::operator;

#[derive(Args)]
pub(super) struct Chosen {
    /// money, default, mail or bulk.
    #[arg(value_parser = super::queue)]
    queue: Queue,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn list(app: &App, output: Output) -> Result<ExitCode> {
    let queues = operate::queues(&mut *app.db.read().await?).await?;
    let shown: Vec<_> = queues.iter().map(Shown::from).collect();
    output.say(&json!({ "count": shown.len(), "results": shown }), || text(&queues));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn pause(app: &App, output: Output, chosen: &Chosen) -> Result<ExitCode> {
    let by = operator(&chosen.why)?;
    let (outcome, view) = app
        .db
        .transaction(async |tx| {
            let outcome = operate::pause(tx, &by, chosen.queue).await?;
            Ok((outcome, operate::queue(tx, chosen.queue).await?))
        })
        .await?;
    output.say(&Shown::from(&view), || match outcome {
        Outcome::Done => format!("{} is paused; what runs goes on", view.queue),
        Outcome::AlreadyDone => format!("{} is paused already", view.queue),
    });
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn resume(app: &App, output: Output, chosen: &Chosen) -> Result<ExitCode> {
    let by = operator(&chosen.why)?;
    let (outcome, view) = app
        .db
        .transaction(async |tx| {
            let outcome = operate::resume(tx, &by, chosen.queue).await?;
            Ok((outcome, operate::queue(tx, chosen.queue).await?))
        })
        .await?;
    output.say(&Shown::from(&view), || match outcome {
        Outcome::Done => format!("{} goes on", view.queue),
        Outcome::AlreadyDone => format!("{} was not paused", view.queue),
    });
    Ok(ExitCode::SUCCESS)
}

/// A queue as the admin API shows it.
#[derive(Serialize)]
struct Shown<'a> {
    queue: Queue,
    pause: Option<&'a Pause>,
    workers: i64,
    slots: i64,
    ready: Depth,
    scheduled: Depth,
    dispatched: Depth,
    running: Depth,
    dead: Depth,
    slots_per_worker: usize,
    timeout_seconds: u64,
    max_attempts: i16,
    backoff_seconds: u64,
    backoff_max_seconds: u64,
}

impl<'a> From<&'a QueueView> for Shown<'a> {
    fn from(view: &'a QueueView) -> Self {
        let policy = view.queue.policy();
        Self {
            queue: view.queue,
            pause: view.pause.as_ref(),
            workers: view.workers,
            slots: view.slots,
            ready: view.ready,
            scheduled: view.scheduled,
            dispatched: view.dispatched,
            running: view.running,
            dead: view.dead,
            slots_per_worker: policy.slots,
            timeout_seconds: policy.limits.timeout.as_secs(),
            max_attempts: policy.limits.max_attempts,
            backoff_seconds: policy.limits.backoff.base.as_secs(),
            backoff_max_seconds: policy.limits.backoff.max.as_secs(),
        }
    }
}

fn text(queues: &[QueueView]) -> String {
    let rows: Vec<_> = queues.iter().map(line).collect();
    let heads = [
        Column::Left("QUEUE"),
        Column::Left("STATE"),
        Column::Right("WORKERS"),
        Column::Right("SLOTS"),
        Column::Right("READY"),
        Column::Right("LATE"),
        Column::Right("SCHEDULED"),
        Column::Right("DISPATCHED"),
        Column::Right("RUNNING"),
        Column::Right("LONGEST"),
        Column::Right("DEAD"),
        Column::Right("TRIES"),
        Column::Right("TIMEOUT"),
    ];
    let mut lines = vec![table(heads, &rows)];
    for view in queues {
        if let Some(Pause { paused_at, paused_by, reason }) = &view.pause {
            let why = reason.as_deref().map(|reason| format!(": {}", cell(reason, 200)));
            let (since, by) = (stamp(*paused_at), cell(paused_by, 100));
            lines.push(format!("{} paused {since} by {by}{}", view.queue, why.unwrap_or_default()));
        } else if view.workers == 0 {
            lines.push(format!("{} is served by nobody", view.queue));
        }
    }
    lines.join("\n")
}

fn line(view: &QueueView) -> [String; 13] {
    let limits = view.queue.policy().limits;
    let depth = |depth: Depth| counted(depth.count, DEPTH_MAX);
    [
        view.queue.to_string(),
        if view.pause.is_some() { "paused" } else { "runs" }.to_owned(),
        view.workers.to_string(),
        view.slots.to_string(),
        depth(view.ready),
        maybe_span(view.ready.oldest_seconds),
        depth(view.scheduled),
        depth(view.dispatched),
        depth(view.running),
        maybe_span(view.running.oldest_seconds),
        depth(view.dead),
        limits.max_attempts.to_string(),
        format!("{}s", limits.timeout.as_secs()),
    ]
}
