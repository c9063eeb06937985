//! `wibe jobs show`.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use shared::ids::JobId;
use shared::jobs::operate::{self, Attempt, Inspection, JobView, StopRequest};
use shared::language::Language;
use shared::{App, Result};

use super::list::{age, progress};
use super::output::Output;
use super::table::{Column, cell, table};
use super::when::stamp;

/// Characters of an error in the table of attempts.
const ERROR_MAX: usize = 500;

#[derive(Args)]
pub(super) struct Job {
    /// Its id.
    id: JobId,
}

pub(super) async fn show(app: &App, output: Output, job: &Job) -> Result<ExitCode> {
    let job = operate::inspect(&mut *app.db.read().await?, job.id).await?;
    output.say(&Shown::from(&job), || text(&job));
    Ok(ExitCode::SUCCESS)
}

/// A job as the admin API shows it.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    #[serde(flatten)]
    job: &'a JobView,
    args: &'a Value,
    args_version: i16,
    progress_cursor: Option<&'a Value>,
    stop: Option<&'a StopRequest>,
    attempts: &'a [Attempt],
    next: Next,
}

#[derive(Serialize)]
struct Next {
    code: &'static str,
    message: String,
}

impl<'a> From<&'a Inspection> for Shown<'a> {
    fn from(inspection: &'a Inspection) -> Self {
        let next = inspection.next;
        Self {
            job: &inspection.job,
            args: &inspection.args,
            args_version: inspection.args_version,
            progress_cursor: inspection.cursor.as_ref(),
            stop: inspection.stop.as_ref(),
            attempts: &inspection.attempts,
            next: Next { code: next.code(), message: next.sentence(Language::En) },
        }
    }
}

fn text(inspection: &Inspection) -> String {
    let job = &inspection.job;
    let mut lines = vec![
        format!("job {}  {}", job.id, cell(&job.kind, 100)),
        fact("state", &format!("{}, {}", job.shown_state(), age(job))),
        fact("next", &inspection.next.sentence(Language::En)),
        fact("queue", &job.queue),
        fact("due", &stamp(job.run_at)),
        fact("attempts", &format!("{} of {}", job.attempt, job.max_attempts)),
    ];
    let mut add = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| fact(name, &value)));
    };
    add("crashes", (job.crashes > 0).then(|| job.crashes.to_string()));
    add("progress", progress(job));
    add("goes on at", inspection.cursor.as_ref().map(Value::to_string));
    add("worker", job.worker.clone());
    add(
        "stop",
        inspection.stop.as_ref().map(|stop| {
            format!("asked {} by {}", stamp(stop.requested_at), cell(&stop.requested_by, 100))
        }),
    );
    add("key", job.unique_key.as_deref().map(|key| cell(key, 200)));
    add("trace", job.trace_id.as_deref().map(|trace| cell(trace, 200)));
    add("recorded", Some(stamp(job.created_at)));
    add("began", job.started_at.map(stamp));
    add("run ended", job.ended_at.map(stamp));
    add("finished", job.finished_at.map(stamp));
    add("error", job.last_error.as_deref().map(|error| cell(error, ERROR_MAX)));
    add("arguments", Some(format!("{} (version {})", inspection.args, inspection.args_version)));
    if !inspection.attempts.is_empty() {
        lines.push(String::new());
        lines.push(attempts(&inspection.attempts));
    }
    lines.join("\n")
}

fn fact(name: &str, value: &str) -> String {
    format!("  {name:<10}  {value}")
}

fn attempts(attempts: &[Attempt]) -> String {
    let rows: Vec<_> = attempts
        .iter()
        .map(|attempt| {
            [
                attempt.attempt.to_string(),
                cell(&attempt.outcome, 20),
                stamp(attempt.started_at),
                attempt.duration_ms.map_or_else(|| "-".to_owned(), |took| format!("{took} ms")),
                cell(&attempt.worker, 60),
                attempt.error.as_deref().map(|error| cell(error, ERROR_MAX)).unwrap_or_default(),
            ]
        })
        .collect();
    let heads = [
        Column::Right("TRY"),
        Column::Left("OUTCOME"),
        Column::Left("BEGAN"),
        Column::Right("TOOK"),
        Column::Left("WORKER"),
        Column::Left("ERROR"),
    ];
    table(heads, &rows)
}
