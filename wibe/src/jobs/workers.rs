//! `wibe jobs workers` and `drain`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use shared::jobs::operate::{self, WorkerView};
use shared::{App, Outcome, Result};

use super::Why;
use super::output::Output;
use super::table::{Column, cell, table};
use super::when::stamp;
use super::who::operator;

#[derive(Args)]
pub(super) struct Chosen {
    /// Its name, as `wibe jobs workers` shows it.
    worker: String,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn list(app: &App, output: Output) -> Result<ExitCode> {
    let workers = operate::workers(&mut *app.db.read().await?).await?;
    output.say(&json!({ "count": workers.len(), "results": workers }), || text(&workers));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn drain(app: &App, output: Output, chosen: &Chosen) -> Result<ExitCode> {
    let by = operator(&chosen.why)?;
    let (outcome, view) = app
        .db
        .transaction(async |tx| {
            let outcome = operate::drain(tx, &by, &chosen.worker).await?;
            Ok((outcome, operate::worker(tx, &chosen.worker).await?))
        })
        .await?;
    output.say(&view, || match (outcome, view.alive) {
        (_, false) => format!("{} is silent; if it wakes up, it leaves", view.worker),
        (Outcome::Done, true) => format!("{} leaves within seconds", view.worker),
        (Outcome::AlreadyDone, true) => format!("{} is leaving already", view.worker),
    });
    Ok(ExitCode::SUCCESS)
}

fn text(workers: &[WorkerView]) -> String {
    if workers.is_empty() {
        return "no worker was heard of within the hour".to_owned();
    }
    let rows: Vec<_> = workers.iter().map(line).collect();
    let heads = [
        Column::Left("WORKER"),
        Column::Left("STATE"),
        Column::Left("STARTED"),
        Column::Left("SEEN"),
        Column::Left("RUNNING OF SLOTS"),
    ];
    table(heads, &rows)
}

fn line(worker: &WorkerView) -> [String; 5] {
    let state = match (worker.alive, worker.drain_requested_at) {
        (false, _) => "silent",
        (true, Some(_)) => "leaving",
        (true, None) => "alive",
    };
    let queues = worker.queues.iter();
    let queues: Vec<_> =
        queues.map(|queue| format!("{} {}/{}", queue.queue, queue.running, queue.slots)).collect();
    [
        cell(&worker.worker, 100),
        state.to_owned(),
        stamp(worker.started_at),
        stamp(worker.seen_at),
        queues.join(", "),
    ]
}
