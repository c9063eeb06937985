//! Delayed herd: everything falls due in one second, and a money job must not notice.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use shared::jobs::{JobKind, Queue};
use shared::settings::Transport;
use tokio::sync::mpsc::unbounded_channel;

use super::kinds::{MoneyStopwatch, Noop, Stopwatch};
use super::openloop::{self, Load};
use super::platform::{InProcess, Setup};
use super::queue::{self, Batch};
use crate::Bench;
use crate::failure::{Attempt, Result};
use crate::meter::Cost;
use crate::report::{Report, Section, millis};
use crate::series::{Latencies, Series, Turn};
use crate::servers::{Database, number};

/// Money jobs per second.
const RATE: u32 = 50;
/// Seconds of calm before the herd.
const CALM: u32 = 5;
/// Money jobs per load while the herd lasts.
const SLICE: u32 = RATE / 2;
const FINISHED_WITHIN: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The wait of a money job, at p99.
const PROMISE: Duration = Duration::from_secs(1);

/// What was seen.
struct Seen {
    calm: Latencies,
    herd: Latencies,
    /// How long the herd lasted.
    lasted: Duration,
    /// The most connections that the worker had.
    connections: i64,
}

/// Lets the herd loose.
pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let database = bench.servers.database("herd").await?;
    let herd = usize::try_from(bench.sizes.herd).attempt("too many")?;
    queue::empty(&database).await?;
    queue::fill(&database, Batch::of(Noop::KIND, herd)).await?;
    Stopwatch::reset();
    let setup = Setup::usual(Transport::Redis);
    let worker = InProcess::start(&bench.servers, &database, setup).await?;
    let seen = run(&database).await?;
    worker.stop().await?;
    let mut admin = database.admin().await?;
    let money = seen.calm.count() + seen.herd.count() + usize::try_from(RATE).unwrap_or(0);
    queue::check(&mut admin, herd + money, money).await?;
    show(seen, setup.connections, herd, report);
    Ok(())
}

/// Sends money jobs all the while: first in calm, then until the herd is gone.
async fn run(database: &Database) -> Result<Seen> {
    let app = openloop::sender(database).await?;
    let job = |number| MoneyStopwatch { number };
    let (sent, ends) = unbounded_channel();
    let (over, connections) = (AtomicBool::new(false), AtomicI64::new(0));
    let first_of_herd = RATE + RATE * CALM;
    let money = async {
        let sent = sent;
        // The first second is not counted.
        openloop::send(&app, Load { rate: RATE, first: 0, count: RATE }, job, &sent).await?;
        let calm = Load { rate: RATE, first: RATE, count: RATE * CALM };
        openloop::send(&app, calm, job, &sent).await?;
        queue::make_due(&mut database.admin().await?).await?;
        let mut first = first_of_herd;
        while !over.load(Ordering::Relaxed) {
            let slice = Load { rate: RATE, first, count: SLICE };
            openloop::send(&app, slice, job, &sent).await?;
            first += SLICE;
        }
        Ok::<_, String>(())
    };
    let herd = async {
        let mut admin = database.admin().await?;
        let tomorrow = "SELECT (shift > interval '0')::int FROM app_clock";
        while number(&mut admin, tomorrow).await? == 0 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let started = Instant::now();
        let gone = async {
            queue::wait(&mut admin, Queue::Default, FINISHED_WITHIN).await?;
            Ok::<_, String>(started.elapsed())
        };
        let lasted = tokio::select! {
            lasted = gone => lasted?,
            problem = count(database, &connections) => return Err(problem),
        };
        over.store(true, Ordering::Relaxed);
        Ok(lasted)
    };
    let ends = openloop::ends(database, ends, FINISHED_WITHIN);
    let ((), lasted, (jobs, _)) = tokio::try_join!(money, herd, ends)?;
    let starts = Stopwatch::starts();
    let waits = |from: u32, to: u32| {
        let jobs = jobs.iter().filter(move |job| (from..to).contains(&job.number));
        openloop::waits(jobs, |job| job.committed, &starts)
    };
    Ok(Seen {
        calm: waits(RATE, first_of_herd),
        herd: waits(first_of_herd, u32::MAX),
        lasted,
        connections: connections.load(Ordering::Relaxed),
    })
}

/// Keeps the highest number of the platform's connections; ends only of an error.
async fn count(database: &Database, most: &AtomicI64) -> String {
    let counted = async {
        let mut admin = database.admin().await?;
        let now = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename <> current_user";
        loop {
            most.fetch_max(number(&mut admin, now).await?, Ordering::Relaxed);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let ended: Result<()> = counted.await;
    ended.err().unwrap_or_default()
}

fn show(seen: Seen, pool: usize, herd: usize, report: &mut Report) {
    let mut section = Section::new(format!(
        "DELAYED HERD   {herd} no-op jobs due in one second, {RATE} money jobs a second beside them, redis, slots as they come"
    ));
    let p99 = seen.herd.percentile(99);
    report.target(
        p99.is_some_and(|p99| p99 < PROMISE),
        format!(
            "p99 of an unrelated money job under 1 s while {herd} jobs fall due: {} ms (in calm {} ms)",
            millis(p99),
            millis(seen.calm.percentile(99))
        ),
    );
    section.headline(format!(
        "{:>6.1} s until the herd was gone, {:.0} jobs a second",
        seen.lasted.as_secs_f64(),
        herd as f64 / seen.lasted.as_secs_f64()
    ));
    section.headline(format!(
        "{:>6} connections to PostgreSQL at most, the senders' 18 among them (the worker's pool holds {pool})",
        seen.connections
    ));
    for (name, latencies) in
        [("money job in calm: commit to start", seen.calm), ("… beside the herd", seen.herd)]
    {
        let mut series = Series::new(name);
        let turn =
            Turn { rate: f64::from(RATE), latencies: latencies.all(), cost: Cost::default() };
        series.add(turn);
        section.series(series);
    }
    report.add(section);
}
