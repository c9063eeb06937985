//! Burn-down: jobs that wait already are run to their durable end, beside the platforms that others would use.

use std::time::{Duration, Instant};

use shared::jobs::{JobKind, Queue};
use shared::settings::Transport;

use super::kinds::{Noop, OneRow};
use super::platform::Setup;
use super::process::Process;
use super::queue::{self, Batch};
use crate::failure::{Attempt, Result};
use crate::meter::{Meter, Worker};
use crate::peers::Peer;
use crate::report::{Report, Section};
use crate::series::{Series, Turn, ratio};
use crate::servers::{Database, Servers};
use crate::{Bench, progress};

/// How long one turn may take.
const FINISHED_WITHIN: Duration = Duration::from_secs(600);
/// What Celery is to be beaten by.
const CELERY: f64 = 5.0;
/// What is left of the throughput when Redis is gone.
const WITHOUT_REDIS: f64 = 0.5;

/// A side: its figures, and how it has a turn.
struct Side {
    id: Id,
    series: Series,
    /// Its share of the jobs of a turn is one in so many: the slow ones get fewer.
    share: usize,
    /// Why it has no more turns.
    given_up: Option<String>,
}

/// Which side it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Id {
    Noop(Transport, Slots),
    Effect(Transport),
    Peer(Peer),
}

/// Runs at a time, and connections to PostgreSQL: as it comes, and as River's two figures have them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slots {
    Usual,
    Hundred,
    TwoThousand,
}

impl Slots {
    fn setup(self, transport: Transport) -> Setup {
        let setup = Setup::of(Queue::Default, transport);
        match self {
            Self::Usual => setup,
            Self::Hundred => setup.with(100, 10),
            Self::TwoThousand => setup.with(2_000, 50),
        }
    }
}

fn sides() -> Vec<Side> {
    use Slots::{Hundred, TwoThousand, Usual};
    use Transport::{Direct, Redis};
    let side = |id, name, share| Side { id, series: Series::new(name), share, given_up: None };
    vec![
        side(Id::Noop(Redis, Usual), "no-op, redis, slots as they come", 2),
        side(Id::Peer(Peer::BareTuned), "apalis-redis, our setup", 2),
        side(Id::Noop(Redis, Hundred), "no-op, redis, 100 slots, 10 connections", 1),
        side(Id::Peer(Peer::RiverHundred), "River, 100 workers, 10 connections", 1),
        side(Id::Noop(Direct, Hundred), "no-op, direct, 100 slots, 10 connections", 1),
        side(Id::Noop(Redis, TwoThousand), "no-op, redis, 2,000 slots, 50 connections", 1),
        side(Id::Peer(Peer::RiverTwoThousand), "River, 2,000 workers, 50 connections", 1),
        side(Id::Noop(Direct, TwoThousand), "no-op, direct, 2,000 slots, 50 connections", 1),
        side(Id::Peer(Peer::BareLarge), "apalis-redis, large batches", 1),
        side(Id::Noop(Direct, Usual), "no-op, direct, slots as they come", 2),
        side(Id::Peer(Peer::Bare), "apalis-redis, as it comes", 4),
        side(Id::Effect(Redis), "one effect row, redis", 4),
        side(Id::Peer(Peer::Graphile), "graphile-worker, batched, 24 at a time", 2),
        side(Id::Effect(Direct), "one effect row, direct", 4),
        side(Id::Peer(Peer::Celery), "Celery, late acknowledgements", 10),
    ]
}

/// Compares them in turns.
pub(crate) async fn compare(bench: &Bench, report: &mut Report) -> Result<()> {
    let jobs = usize::try_from(bench.sizes.jobs).attempt("too many")?;
    let database = bench.servers.database("burndown").await?;
    let mut sides = sides();
    let wanted = |side: &Side| bench.sides.iter().any(|word| side.series.name.contains(word));
    sides.retain(|side| bench.sides.is_empty() || wanted(side));
    for side in &mut sides {
        if let Id::Peer(peer) = side.id
            && let Err(problem) = peer.prepare(bench).await
        {
            report.skip(format!("{}: {problem}", side.series.name));
            side.given_up = Some(problem);
        }
    }
    for round in 1..=bench.sizes.rounds {
        let mut order: Vec<&mut Side> = sides.iter_mut().collect();
        // There and back again, so that no side always comes after the same other one.
        if round % 2 == 0 {
            order.reverse();
        }
        for side in order.into_iter().filter(|side| side.given_up.is_none()) {
            let jobs = jobs.div_ceil(side.share);
            match side.turn(bench, &database, jobs).await {
                Ok(turn) => {
                    progress(&format!(
                        "burn-down, round {round}: {} {:.0}/s",
                        side.series.name, turn.rate
                    ));
                    side.series.add(turn);
                }
                Err(problem) => {
                    report.skip(format!("{}: {problem}", side.series.name));
                    side.given_up = Some(problem);
                }
            }
        }
    }
    judge(&sides, report);
    report.add(section(sides, jobs));
    Ok(())
}

impl Side {
    async fn turn(&self, bench: &Bench, database: &Database, jobs: usize) -> Result<Turn> {
        match self.id {
            Id::Noop(transport, slots) => {
                let batch = Batch::of(Noop::KIND, jobs);
                ours(&bench.servers, database, slots.setup(transport), batch).await
            }
            Id::Effect(transport) => {
                let batch = Batch::of(OneRow::KIND, jobs);
                ours(&bench.servers, database, Slots::Usual.setup(transport), batch).await
            }
            Id::Peer(peer) => peer.turn(bench, jobs).await,
        }
    }
}

/// One turn of ours: the jobs are recorded, the worker is ready, and then all of them are due.
async fn ours(servers: &Servers, database: &Database, setup: Setup, batch: Batch) -> Result<Turn> {
    queue::empty(database).await?;
    queue::fill(database, batch).await?;
    let mut worker = Process::start(servers, database, setup).await?;
    let mut admin = database.admin().await?;
    let meter = Meter::start(servers, Worker::Process(worker.pid)).await?;
    let started = Instant::now();
    queue::make_due(&mut admin).await?;
    worker.wait(batch.count, FINISHED_WITHIN).await?;
    let elapsed = started.elapsed();
    let cost = meter.finish(batch.count).await?;
    worker.stop().await?;
    let effects = if batch.kind == OneRow::KIND { batch.count } else { 0 };
    queue::check(&mut admin, batch.count, effects).await?;
    Ok(Turn { rate: batch.count as f64 / elapsed.as_secs_f64(), latencies: Vec::new(), cost })
}

/// The faster of our transports against a peer: the ratio of the medians, and the transport's name.
fn best(sides: &[Side], slots: Slots, peer: Peer) -> Option<(f64, &str)> {
    let theirs = &sides.iter().find(|side| side.id == Id::Peer(peer))?.series;
    let ours = sides.iter().filter(|side| matches!(side.id, Id::Noop(_, its) if its == slots));
    let ratios = ours.filter_map(|side| Some((ratio(&side.series, theirs)?.0, &*side.series.name)));
    ratios.max_by(|(one, _), (other, _)| one.total_cmp(other))
}

/// How the throughput without Redis compares with the usual one.
fn without_redis(sides: &[Side]) -> Option<f64> {
    let usual = |transport| sides.iter().find(|side| side.id == Id::Noop(transport, Slots::Usual));
    let (direct, redis) = (usual(Transport::Direct)?, usual(Transport::Redis)?);
    Some(ratio(&direct.series, &redis.series)?.0)
}

fn judge(sides: &[Side], report: &mut Report) {
    if let Some(ratio) = without_redis(sides) {
        report.target(
            ratio >= WITHOUT_REDIS,
            format!("without Redis at least half the throughput: {:.0} %", ratio * 100.0),
        );
    }
    if let Some((ratio, name)) = best(sides, Slots::Hundred, Peer::RiverHundred) {
        report.target(
            ratio >= 1.0,
            format!("no-op jobs ahead of River with 100 workers: {ratio:.2} times ({name})"),
        );
    }
    if let Some((ratio, name)) = best(sides, Slots::TwoThousand, Peer::RiverTwoThousand) {
        report.pursued(
            ratio >= 1.0,
            format!("reaching for River with 2,000 workers: {ratio:.2} times ({name})"),
        );
    }
    if let Some((ratio, name)) = best(sides, Slots::Usual, Peer::Celery) {
        report.target(
            ratio >= CELERY,
            format!("at least {CELERY:.0} times Celery: {ratio:.1} times ({name})"),
        );
    }
}

/// What is divided by what.
const RATIOS: [(Id, Id); 13] = {
    use Slots::{Hundred, TwoThousand, Usual};
    use Transport::{Direct, Redis};
    [
        (Id::Noop(Redis, Hundred), Id::Peer(Peer::RiverHundred)),
        (Id::Noop(Direct, Hundred), Id::Peer(Peer::RiverHundred)),
        (Id::Noop(Redis, TwoThousand), Id::Peer(Peer::RiverTwoThousand)),
        (Id::Noop(Direct, TwoThousand), Id::Peer(Peer::RiverTwoThousand)),
        (Id::Noop(Redis, Usual), Id::Peer(Peer::RiverHundred)),
        (Id::Noop(Redis, Usual), Id::Peer(Peer::Bare)),
        (Id::Noop(Redis, Usual), Id::Peer(Peer::BareTuned)),
        (Id::Noop(Redis, TwoThousand), Id::Peer(Peer::BareLarge)),
        (Id::Noop(Redis, Usual), Id::Peer(Peer::Graphile)),
        (Id::Noop(Redis, Usual), Id::Peer(Peer::Celery)),
        (Id::Noop(Direct, Usual), Id::Noop(Redis, Usual)),
        (Id::Effect(Redis), Id::Peer(Peer::BareTuned)),
        (Id::Effect(Direct), Id::Effect(Redis)),
    ]
};

fn section(sides: Vec<Side>, jobs: usize) -> Section {
    let mut section = Section::new(format!(
        "BURN-DOWN   {jobs} jobs a turn (fewer for slow sides), one worker process, waiting to durably done"
    ));
    let series = |id| sides.iter().find(|side| side.id == id).map(|side| &side.series);
    for (above, below) in RATIOS {
        if let (Some(above), Some(below)) = (series(above), series(below)) {
            section.ratio(above, below);
        }
    }
    let (ours, peers): (Vec<Side>, Vec<Side>) =
        sides.into_iter().partition(|side| !matches!(side.id, Id::Peer(_)));
    for side in ours.into_iter().chain(peers).filter(|side| side.given_up.is_none()) {
        section.series(side.series);
    }
    section.note(format!(
        "ours: the worker is ready, then all jobs fall due at once, until the worker knows the last completion to be committed, as every row of the table then says; slots as they come: {}",
        Queue::Default.policy().slots
    ));
    section.note("ours also survives the loss of all of Redis, counts crashes, fences late workers and keeps failed attempts; the peers do not do all of that");
    for note in Peer::NOTES {
        section.note(note);
    }
    section
}
