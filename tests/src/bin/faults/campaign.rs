//! One round: every fault once, several at a time, each with a runtime of its own.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};
use tokio_util::sync::CancellationToken;

use crate::Arguments;
use crate::faults::{Fault, all};
use crate::oracle::Verdict;
use crate::plan::Plan;
use crate::report::{Line, Round};

/// A full run is given up after this long.
const FULL_WITHIN: Duration = Duration::from_secs(4 * 3_600);

/// Plays one round with these dice, until it is stopped.
pub(crate) async fn round(arguments: &Arguments, seed: u64, stop: &CancellationToken) -> Round {
    let started = Instant::now();
    let full = arguments.full;
    let limit = if full { FULL_WITHIN } else { Duration::from_secs(arguments.within) };
    let turns = Arc::new(Semaphore::new(arguments.parallel.into()));
    let mut playing = JoinSet::new();
    let wanted =
        |fault: &Fault| arguments.only.is_empty() || arguments.only.contains(&fault.number);
    for fault in all().into_iter().filter(wanted) {
        let share = if fault.alone { arguments.parallel } else { 1 };
        let turn = Arc::clone(&turns).acquire_many_owned(share.into()).await;
        let (deadline, stop) = (started + limit, stop.clone());
        playing.spawn_blocking(move || {
            let plan = Plan { number: fault.number, seed, full };
            let line = play(&fault, plan, deadline, &stop);
            drop(turn);
            line
        });
    }
    let mut lines = playing.join_all().await;
    lines.sort_by_key(|line| line.number);
    Round { seed, rounds: 1, took: started.elapsed(), lines }
}

fn play(fault: &Fault, plan: Plan, deadline: Instant, stop: &CancellationToken) -> Line {
    let started = Instant::now();
    // Whatever is dropped here takes its processes with it.
    let played = std::panic::catch_unwind(|| {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        LocalSet::new().block_on(&runtime.expect("a runtime"), async {
            tokio::select! {
                verdict = (fault.play)(plan) => verdict,
                () = tokio::time::sleep_until(deadline.into()) => broken("not finished within the round"),
                () = stop.cancelled() => broken("interrupted"),
            }
        })
    });
    // A panic is a verdict too: something was promised that did not happen.
    let verdict = played.unwrap_or_else(|panic| broken(&text(panic.as_ref())));
    let (word, took) = (if verdict.holds() { "holds" } else { "BROKEN" }, started.elapsed());
    eprintln!("faults: seed {} {} {word} after {:.1} s", plan.seed, fault.name, took.as_secs_f64());
    Line { number: fault.number, name: fault.name, took, verdict }
}

fn broken(problem: &str) -> Verdict {
    Verdict { problems: vec![problem.to_owned()], ..Verdict::default() }
}

fn text(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, Some(text)) => (*text).to_owned(),
        (None, None) => "panicked".to_owned(),
    }
}
