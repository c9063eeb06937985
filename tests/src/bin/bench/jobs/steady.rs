//! Steady load: so many jobs per second, whether or not the last one has started, and how long each took.

use std::time::{Duration, Instant};

use shared::settings::Transport;
use tokio::sync::mpsc::unbounded_channel;

use super::kinds::Stopwatch;
use super::openloop::{self, Load, Sent};
use super::platform::{InProcess, Setup};
use super::queue;
use crate::failure::Result;
use crate::meter::{Cost, Meter, Worker};
use crate::peers::bare_waits;
use crate::report::{Report, Section, millis};
use crate::series::{Latencies, Series, Turn};
use crate::servers::{Database, Servers};
use crate::{Bench, progress};

/// Jobs per second. The promises are about the first.
const RATES: [u32; 2] = [200, 1_000];
const P99_PROMISE: Duration = Duration::from_millis(100);
const MEDIAN_PROMISE: Duration = Duration::from_millis(15);
/// Jobs that are not counted: the first ones prepare statements and open connections.
const WARM_UP: Load = Load { rate: 100, first: 0, count: 100 };
/// How long the last job may take.
const FINISHED_WITHIN: Duration = Duration::from_secs(60);

/// One rate over one transport.
struct Cell {
    name: &'static str,
    transport: Transport,
    rate: u32,
    figures: Option<Figures>,
}

struct Figures {
    /// From the commit to the first line of the handler.
    start: Latencies,
    /// From the commit to the durable end.
    end: Latencies,
    /// From the time at which the job was to be sent to the durable end.
    whole: Latencies,
    /// Jobs per second that were served.
    served: f64,
    cost: Cost,
}

/// Measures every rate over every transport.
pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let database = bench.servers.database("steady").await?;
    let cell = |name, transport, rate| Cell { name, transport, rate, figures: None };
    let [slow, fast] = RATES;
    let mut cells = [
        cell("200/s, redis", Transport::Redis, slow),
        cell("200/s, direct", Transport::Direct, slow),
        cell("1,000/s, redis", Transport::Redis, fast),
        cell("1,000/s, direct", Transport::Direct, fast),
    ];
    for cell in &mut cells {
        let seconds = bench.sizes.steady_seconds;
        let figures = turn(&bench.servers, &database, cell, seconds).await?;
        progress(&format!(
            "steady, {}: commit to start p50 {} ms, p99 {} ms",
            cell.name,
            millis(figures.start.percentile(50)),
            millis(figures.start.percentile(99))
        ));
        cell.figures = Some(figures);
    }
    let mut peers = Vec::new();
    for rate in RATES {
        match bare_waits::pickups(&bench.servers, rate, bench.sizes.steady_seconds).await {
            Ok(waits) => peers.push((rate, Latencies::of(waits))),
            Err(problem) => {
                report.skip(format!("steady, apalis-redis as it comes, {rate}/s: {problem}"));
            }
        }
    }
    show(cells, peers, bench.sizes.steady_seconds, report);
    Ok(())
}

async fn turn(
    servers: &Servers,
    database: &Database,
    cell: &Cell,
    seconds: u32,
) -> Result<Figures> {
    queue::empty(database).await?;
    database.settle().await?;
    Stopwatch::reset();
    let worker = InProcess::start(servers, database, Setup::usual(cell.transport)).await?;
    let app = openloop::sender(database).await?;
    let job = |number| Stopwatch { number };
    let load = Load { rate: cell.rate, first: WARM_UP.count, count: cell.rate * seconds };
    let (sent, ends) = unbounded_channel();
    let sending = async move {
        openloop::send(&app, WARM_UP, job, &sent).await?;
        let meter = Meter::start(servers, Worker::Bench).await?;
        openloop::send(&app, load, job, &sent).await?;
        Ok::<_, String>(meter)
    };
    let (meter, (jobs, ends)) =
        tokio::try_join!(sending, openloop::ends(database, ends, FINISHED_WITHIN))?;
    let cost = meter.finish(usize::try_from(load.count).unwrap_or(usize::MAX)).await?;
    worker.stop().await?;
    let starts = Stopwatch::starts();
    let counted = || jobs.iter().filter(|job| job.number >= load.first);
    let first = counted().map(|job| job.intended).min();
    let last = counted().filter_map(|job| ends.get(&job.number)).max();
    let elapsed = first.zip(last).map(|(first, last)| last.duration_since(first));
    let committed = |job: &Sent| -> Instant { job.committed };
    Ok(Figures {
        start: openloop::waits(counted(), committed, &starts),
        end: openloop::waits(counted(), committed, &ends),
        whole: openloop::waits(counted(), |job| job.intended, &ends),
        served: f64::from(load.count) / elapsed.unwrap_or(Duration::MAX).as_secs_f64(),
        cost,
    })
}

fn show(cells: [Cell; 4], peers: Vec<(u32, Latencies)>, seconds: u32, report: &mut Report) {
    let mut section =
        Section::new(format!("STEADY LOAD   {seconds} s each, open loop, slots as they come"));
    for Cell { name, rate, figures, .. } in cells {
        let Some(figures) = figures else { continue };
        let (median, p99) = (figures.start.percentile(50), figures.start.percentile(99));
        if rate == RATES[0] {
            report.target(
                median.is_some_and(|median| median < MEDIAN_PROMISE),
                format!("median from commit to start at {name} under 15 ms: {} ms", millis(median)),
            );
            report.target(
                p99.is_some_and(|p99| p99 < P99_PROMISE),
                format!("p99 from commit to start at {name} under 100 ms: {} ms", millis(p99)),
            );
        }
        for (_, theirs) in peers.iter().filter(|(theirs, _)| *theirs == rate) {
            section.headline(compared(name, &figures.start, theirs));
        }
        let rows = [
            ("commit to start", figures.start, figures.cost),
            ("commit to durable end", figures.end, Cost::default()),
            ("intended time to durable end", figures.whole, Cost::default()),
        ];
        for (what, latencies, cost) in rows {
            let mut series = Series::new(format!("{name}: {what}"));
            series.add(Turn { rate: figures.served, latencies: latencies.all(), cost });
            section.series(series);
        }
    }
    for (rate, waits) in peers {
        let mut series = Series::new(format!("{rate}/s, apalis-redis as it comes: push to start"));
        let rate = f64::from(rate);
        series.add(Turn { rate, latencies: waits.all(), cost: Cost::default() });
        section.series(series);
    }
    section.note("apalis-redis has no commit: its tasks are in Redis when they are pushed, and in nobody's transaction");
    section.note("every job has its time, kept by 16 senders whether or not the system keeps up; what comes late is counted from that time in the third line, so a stall counts once for every job it delays");
    section.note("a durable end is when another session saw the row as done, at most about 5 ms after it was");
    section.note("each job is an effect of one row in its own fenced transaction; the processor time under `process` is the worker's and the senders' together");
    report.add(section);
}

/// How much sooner or later a job of ours starts than a task of apalis-redis at the same rate.
fn compared(name: &str, ours: &Latencies, theirs: &Latencies) -> String {
    let ratio = |percent| {
        let (ours, theirs) = (ours.percentile(percent)?, theirs.percentile(percent)?);
        Some(ours.as_secs_f64() / theirs.as_secs_f64().max(1e-6))
    };
    let shown =
        |percent| ratio(percent).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
    format!(
        "{:>6}   p50, {:>6}   p99: from commit to start at {name} / from push to start of apalis-redis as it comes",
        shown(50),
        shown(99)
    )
}
