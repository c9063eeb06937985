//! `wibe jobs`: what operators see and do to jobs, with only the database. The admin API calls the same commands.

mod act;
mod dead;
mod kinds;
mod list;
mod output;
mod queues;
mod show;
mod table;
mod when;
mod who;
mod workers;

pub(crate) use self::who::actor;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use shared::App;
use shared::jobs::Queue;

use self::output::Output;
use crate::Failure;

/// What to type when something is wrong, in the order in which one asks.
const RUNBOOK: &str = "\
At three in the morning:
  wibe jobs queues                    How late are we? Is a queue paused? Does anybody work?
  wibe jobs kinds --failing           What is dying, since when, and of what?
  wibe jobs list --state dead         Which jobs?
  wibe jobs show 42                   Why, and what happens to it next?
  wibe jobs retry 42 --reason '...'   Run it again. An effect happens once, so this is safe.
  wibe jobs retry-dead KIND           Run all dead jobs of a kind again.
  wibe jobs pause mail                Stop a queue; `wibe jobs resume mail` lets it go on.
  wibe jobs workers                   Who works? `wibe jobs drain WORKER` lets one leave in peace.

Needs DATABASE_URL and nothing that runs. Every change is in the audit log with its reason, as
operator:NAME; NAME is WIBE_OPERATOR, or the Unix user. Times are UTC.
Exit status: 0 done, or done before; 1 refused or failed; 2 not understood.";

#[derive(Args)]
#[command(after_help = RUNBOOK)]
pub(crate) struct Jobs {
    #[command(subcommand)]
    verb: Verb,
    /// Print JSON, as the admin API does, instead of tables.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// Find jobs, the newest first.
    List(list::Search),
    /// Show one job: arguments (secrets masked), attempts with errors and timings, what happens next.
    Show(show::Job),
    /// Run jobs now: dead and cancelled ones again, waiting ones without waiting.
    ///
    /// A dead or cancelled job gets its whole number of attempts again. What it did before is not done twice. Refused
    /// while it runs, when it is done, and while another job with its business key is live.
    Retry(act::Chosen),
    /// Run all dead jobs of a kind again.
    ///
    /// A job stays dead while another one with its business key is live. Interrupt it when you like: what is done is
    /// done, and the next call goes on.
    RetryDead(dead::Chosen),
    /// Cancel jobs: waiting ones at once, running ones at their next step.
    ///
    /// What a running job had not committed is rolled back; a call to the outside is not interrupted.
    Cancel(act::Chosen),
    /// Put waiting jobs off.
    Snooze(act::Snooze),
    /// Take dead jobs off the dead letter, when they are not needed any more.
    Discard(act::Chosen),
    /// Take all dead jobs of a kind off the dead letter.
    DiscardDead(dead::Chosen),
    /// Stop a queue across all workers: nothing of it starts, what runs goes on.
    Pause(queues::Chosen),
    /// Let a paused queue go on.
    Resume(queues::Chosen),
    /// Let a worker finish and exit: it takes nothing new, and hands back what does not end in time.
    ///
    /// What supervises it may start another one.
    Drain(workers::Chosen),
    /// Show who works: alive or silent, what they serve, what they run, who is leaving.
    Workers,
    /// Show the queues: paused or not, slots, how much waits and since when, their limits.
    Queues,
    /// Show the kinds of job: queue, limits, and how many are dead since when and of what.
    Kinds(kinds::Which),
}

/// Why it is done.
#[derive(Args)]
struct Why {
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(crate) async fn run(app: &App, jobs: Jobs) -> Result<ExitCode, Failure> {
    let output = if jobs.json { Output::Json } else { Output::Text };
    let done = match jobs.verb {
        Verb::List(search) => list::list(app, output, search).await,
        Verb::Show(job) => show::show(app, output, &job).await,
        Verb::Retry(chosen) => act::act(app, output, act::Verb::Retry, &chosen).await,
        Verb::RetryDead(chosen) => dead::retry(app, output, &chosen).await,
        Verb::Cancel(chosen) => act::act(app, output, act::Verb::Cancel, &chosen).await,
        Verb::Snooze(snooze) => {
            act::act(app, output, act::Verb::Snooze(snooze.wake()), &snooze.chosen).await
        }
        Verb::Discard(chosen) => act::act(app, output, act::Verb::Discard, &chosen).await,
        Verb::DiscardDead(chosen) => dead::discard(app, output, &chosen).await,
        Verb::Pause(chosen) => queues::pause(app, output, &chosen).await,
        Verb::Resume(chosen) => queues::resume(app, output, &chosen).await,
        Verb::Drain(chosen) => workers::drain(app, output, &chosen).await,
        Verb::Workers => workers::list(app, output).await,
        Verb::Queues => queues::list(app, output).await,
        Verb::Kinds(which) => kinds::list(app, output, &which).await,
    };
    Ok(done.unwrap_or_else(|error| output.refuse("wibe", &error)))
}

fn queue(name: &str) -> Result<Queue, String> {
    Queue::parse(name).ok_or_else(|| {
        let names: Vec<_> = Queue::ALL.iter().map(|queue| queue.as_str()).collect();
        format!("must be one of {}", names.join(", "))
    })
}
