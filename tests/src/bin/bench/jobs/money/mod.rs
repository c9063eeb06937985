//! Money jobs: claim, effect key, two legs through the ledger, done, in one fenced transaction, against pgbench sending
//! the same transactions. Afterwards nothing is lost, nothing is there twice, and the books sum to zero.

mod ceiling;
mod till;

use std::time::{Duration, Instant};

use shared::jobs::Queue;
use shared::settings::Transport;

use super::platform::Setup;
use super::process::Process;
use super::queue;
use crate::failure::{Attempt, Result};
use crate::meter::{Meter, Worker};
use crate::report::{Report, Section};
use crate::series::{Series, Turn, ratio};
use crate::{Bench, progress};
use ceiling::Ceiling;
use till::{State, Till};

/// The least share of the ceiling that we reach.
const PROMISE: f64 = 0.8;
/// Connections that the worker has besides one per run: claims, leases and sweeps are not to wait for runs.
const SPARE: usize = 4;
const FINISHED_WITHIN: Duration = Duration::from_secs(600);

/// Who does the work.
#[derive(Clone, Copy)]
enum Side {
    Ours(Transport),
    Ceiling,
}

/// Compares them in turns.
pub(crate) async fn compare(bench: &Bench, report: &mut Report) -> Result<()> {
    let database = bench.servers.database("money").await?;
    let mut till = Till::open(&database).await?;
    let ceiling = Ceiling::record(bench, &database, &mut till).await?;
    // Whole scripts of pgbench's, as many for each of its clients.
    let unit = ceiling.clients * ceiling::GROUP;
    let jobs = usize::try_from(bench.sizes.money_jobs).attempt("too many")?.div_ceil(unit) * unit;
    let mut sides = [
        (Side::Ours(Transport::Redis), Series::new("money job, redis")),
        (Side::Ceiling, Series::new("pgbench, the same transactions")),
        (Side::Ours(Transport::Direct), Series::new("money job, direct")),
    ];
    for round in 1..=bench.sizes.rounds {
        for (side, series) in &mut sides {
            let turn = match side {
                Side::Ours(transport) => ours(bench, &mut till, *transport, jobs).await?,
                Side::Ceiling => ceiling.turn(bench, &mut till, jobs).await?,
            };
            progress(&format!("money, round {round}: {} {:.0}/s", series.name, turn.rate));
            series.add(turn);
        }
        sides.reverse();
    }
    if bench.sizes.rounds % 2 == 1 {
        sides.reverse();
    }
    let books = till.check().await?;
    let [(_, redis), (_, pgbench), (_, direct)] = sides;
    for ours in [&redis, &direct] {
        if let Some((ratio, _)) = ratio(ours, &pgbench) {
            report.target(
                ratio >= PROMISE,
                format!(
                    "at least 80 % of pgbench's ceiling: {:.0} % ({})",
                    ratio * 100.0,
                    ours.name
                ),
            );
        }
    }
    let mut section = section(&ceiling, jobs, [redis, direct], pgbench);
    section.note(books);
    report.add(section);
    Ok(())
}

/// One turn of ours: the jobs are recorded, the worker is ready, and then all of them are due.
async fn ours(
    bench: &Bench,
    till: &mut Till<'_>,
    transport: Transport,
    jobs: usize,
) -> Result<Turn> {
    queue::empty(till.database).await?;
    till.record(jobs, State::DueTomorrow).await?;
    till.database.settle().await?;
    let slots = Queue::Money.policy().slots;
    let setup = Setup { connections: slots + SPARE, ..Setup::of(Queue::Money, transport) };
    let mut worker = Process::start(&bench.servers, till.database, setup).await?;
    let mut admin = till.database.admin().await?;
    let meter = Meter::start(&bench.servers, Worker::Process(worker.pid)).await?;
    let started = Instant::now();
    queue::make_due(&mut admin).await?;
    worker.wait(jobs, FINISHED_WITHIN).await?;
    let elapsed = started.elapsed();
    let cost = meter.finish(jobs).await?;
    worker.stop().await?;
    queue::check(&mut admin, jobs, jobs).await?;
    Ok(Turn { rate: jobs as f64 / elapsed.as_secs_f64(), latencies: Vec::new(), cost })
}

fn section(ceiling: &Ceiling, jobs: usize, ours: [Series; 2], pgbench: Series) -> Section {
    let mut section = Section::new(format!(
        "MONEY   {jobs} jobs a turn, {} at a time on each side",
        ceiling.clients
    ));
    ours.iter().for_each(|series| section.ratio(series, &pgbench));
    ours.into_iter().for_each(|series| section.series(series));
    section.series(pgbench);
    section.note(format!(
        "pgbench sends what was recorded of a real run on the wire: the claim, for {} jobs at a time, and the fenced transaction of {} statements for each job; one more statement per {} jobs says whom to pay",
        ceiling::GROUP, ceiling.statements, ceiling::GROUP
    ));
    section.note("our side also dispatches through Redis (redis), renews leases, sweeps, and reads arguments");
    for line in &ceiling.unexplained {
        section.note(format!("pgbench repeats a value that the worker changes: {line}"));
    }
    section
}
