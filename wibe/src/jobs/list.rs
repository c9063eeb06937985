//! `wibe jobs list`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use shared::jobs::Queue;
use shared::jobs::operate::{self, COUNTED, Filter, JobState, JobView, Order, View};
use shared::page::{Page, Window};
use shared::{App, Result};

use super::output::Output;
use super::queue;
use super::table::{Column, cell, counted, span, table};
use super::when::{When, when};

/// Characters of an error in a line.
const NOTE_MAX: usize = 72;

#[derive(Args)]
pub(super) struct Search {
    /// pending (ready, scheduled or retrying), dispatched, running, done, dead or cancelled.
    #[arg(long, value_parser = view)]
    state: Option<View>,
    /// Such as `release_escrow_payment`; `wibe jobs kinds` lists them.
    #[arg(long)]
    kind: Option<String>,
    /// money, default, mail or bulk.
    #[arg(long, value_parser = queue)]
    queue: Option<Queue>,
    /// Caused by this request: the X-Request-ID of an answer, the `trace_id` of a log line.
    #[arg(long, value_name = "ID")]
    trace: Option<String>,
    /// With this business key, such as `escrow_release:ID`.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// With this in the last error.
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
    /// Recorded before: 2h (ago), or 2026-11-25T10:00:00Z.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    older_than: Option<When>,
    /// Recorded after: 2h (ago), or 2026-11-25T10:00:00Z.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    newer_than: Option<When>,
    /// The oldest first.
    #[arg(long)]
    oldest: bool,
    /// Lines of a page.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1_000))]
    limit: i64,
    /// Which page, from 1.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    page: i64,
}

pub(super) async fn list(app: &App, output: Output, search: Search) -> Result<ExitCode> {
    let filter = Filter {
        state: search.state,
        kind: search.kind,
        queue: search.queue,
        trace_id: search.trace,
        unique_key: search.key,
        created_after: When::moment(app, search.newer_than).await?,
        created_before: When::moment(app, search.older_than).await?,
        error: search.error,
    };
    let order = if search.oldest { Order::Oldest } else { Order::Newest };
    let window = Window { limit: search.limit, offset: (search.page - 1) * search.limit };
    let page = operate::list(&mut *app.db.read().await?, &filter, order, window).await?;
    output.say(&json!({ "count": page.count, "results": page.rows }), || text(&page, window));
    Ok(ExitCode::SUCCESS)
}

fn text(page: &Page<JobView>, window: Window) -> String {
    if page.rows.is_empty() {
        return format!("no jobs on this page; {} match", counted(page.count, COUNTED));
    }
    let rows: Vec<_> = page.rows.iter().map(line).collect();
    let heads = [
        Column::Right("ID"),
        Column::Left("KIND"),
        Column::Left("QUEUE"),
        Column::Left("STATE"),
        Column::Right("TRIES"),
        Column::Left("WHEN"),
        Column::Left("NOTE"),
    ];
    let last = window.offset + i64::try_from(page.rows.len()).unwrap_or_default();
    let more = if last < page.count { "; --page for more" } else { "" };
    let all = counted(page.count, COUNTED);
    format!("{}\n{} to {last} of {all}{more}", table(heads, &rows), window.offset + 1)
}

fn line(job: &JobView) -> [String; 7] {
    [
        job.id.to_string(),
        cell(&job.kind, 60),
        job.queue.clone(),
        job.shown_state().to_owned(),
        format!("{}/{}", job.attempt, job.max_attempts),
        age(job),
        note(job),
    ]
}

/// How far it is, where it runs, or what went wrong.
fn note(job: &JobView) -> String {
    let on = job.worker.as_deref().filter(|_| job.state == JobState::Running);
    let on = on.map(|worker| format!("on {}", cell(worker, 60)));
    match (progress(job), on, &job.last_error) {
        (Some(progress), Some(on), _) => format!("{progress} {on}"),
        (Some(text), None, None) | (None, Some(text), _) => text,
        (Some(progress), None, Some(error)) => format!("{progress}; {}", cell(error, NOTE_MAX)),
        (None, None, Some(error)) => cell(error, NOTE_MAX),
        (None, None, None) => String::new(),
    }
}

/// When, in words that go with the state.
pub(super) fn age(job: &JobView) -> String {
    let seconds = job.age_seconds;
    match job.shown_state() {
        "scheduled" | "retrying" if seconds < 0 => format!("in {}", span(-seconds)),
        "ready" | "retrying" | "dispatched" => format!("due {} ago", span(seconds)),
        "running" => format!("for {}", span(seconds)),
        _ => format!("{} ago", span(seconds)),
    }
}

/// How far long work is.
pub(super) fn progress(job: &JobView) -> Option<String> {
    let done = job.progress_done?;
    Some(match job.progress_total.filter(|total| *total > 0) {
        Some(total) => format!("{done} of {total} rows ({} %)", done.saturating_mul(100) / total),
        None => format!("{done} rows"),
    })
}

fn view(name: &str) -> Result<View, String> {
    View::parse(name).ok_or_else(|| {
        let names: Vec<_> = View::ALL.iter().map(|view| view.as_str()).collect();
        format!("must be one of {}", names.join(", "))
    })
}
