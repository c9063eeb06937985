//! `wibe jobs retry`, `cancel`, `snooze` and `discard`: what is done to jobs one by one.

use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use shared::ids::JobId;
use shared::jobs::operate::{self, Inspection, Operator, Wake};
use shared::language::Language;
use shared::{App, Outcome, Result, Tx};

use super::Why;
use super::output::Output;
use super::show::Shown;
use super::when::{span, time};
use super::who::operator;

#[derive(Args)]
pub(super) struct Chosen {
    /// Their ids. Each is done by itself: one that is refused does not hold up the others.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<JobId>,
    #[command(flatten)]
    why: Why,
}

#[derive(Args)]
pub(super) struct Snooze {
    #[command(flatten)]
    pub(super) chosen: Chosen,
    #[command(flatten)]
    until: Until,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Until {
    /// For so long from now: 90s, 30m, 2h or 7d.
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    span: Option<Duration>,
    /// Until this time, such as 2026-11-25T10:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<DateTime<Utc>>,
}

impl Snooze {
    pub(super) fn wake(&self) -> Wake {
        let Until { span, until } = self.until;
        until.map_or_else(|| Wake::After(span.unwrap_or_default()), Wake::At)
    }
}

/// What is done.
#[derive(Clone, Copy)]
pub(super) enum Verb {
    Retry,
    Cancel,
    Discard,
    Snooze(Wake),
}

impl Verb {
    async fn apply(self, tx: &mut Tx, by: &Operator, id: JobId) -> Result<Outcome> {
        match self {
            Self::Retry => operate::retry(tx, by, id).await,
            Self::Cancel => operate::cancel(tx, by, id).await,
            Self::Discard => operate::discard(tx, by, id).await,
            Self::Snooze(wake) => operate::snooze(tx, by, id, wake).await.map(|()| Outcome::Done),
        }
    }
}

/// Does it to each, and says what came of it; fails when one was refused.
pub(super) async fn act(
    app: &App,
    output: Output,
    verb: Verb,
    chosen: &Chosen,
) -> Result<ExitCode> {
    let by = operator(&chosen.why)?;
    let mut code = ExitCode::SUCCESS;
    for id in &chosen.ids {
        let done = app
            .db
            .transaction(async |tx| {
                let outcome = verb.apply(tx, &by, *id).await?;
                Ok((outcome, operate::inspect(tx, *id).await?))
            })
            .await;
        match done {
            Ok((outcome, job)) => output.say(&Shown::from(&job), || sentence(outcome, &job)),
            Err(error) => code = output.refuse(&format!("job {id}"), &error),
        }
    }
    Ok(code)
}

fn sentence(outcome: Outcome, job: &Inspection) -> String {
    let (id, state) = (job.job.id, job.job.shown_state());
    let next = job.next.sentence(Language::En);
    match outcome {
        Outcome::Done => format!("job {id} is {state}. {next}"),
        Outcome::AlreadyDone => format!("job {id} is {state} already. {next}"),
    }
}
