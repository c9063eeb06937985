//! Jobs per second, from enqueueing to the durable end, against bare apalis-redis on the same Redis.

mod bare;
pub(crate) mod kinds;
pub(crate) mod platform;

use std::time::Duration;

use shared::jobs::Queue;
use shared::settings::Transport;

use crate::failure::{Attempt, Result};
use crate::report::{Report, Section};
use crate::series::Series;
use crate::servers::{Database, Servers};
use crate::{Arguments, progress};
use bare::Setup;

/// Jobs per enqueueing transaction, and per push.
const CHUNK: usize = 500;
/// The tuned setups get this long; what they cannot do in that time is said.
const TUNED_WITHIN: Duration = Duration::from_secs(300);
/// The default setup may wait half a minute for its own heartbeat.
const DEFAULT_WITHIN: Duration = Duration::from_secs(90);

/// What one turn of ours runs.
#[derive(Clone, Copy)]
pub(crate) struct Burst {
    pub(crate) jobs: usize,
    /// Whether each leaves a row of its own, in the transaction that completes it.
    effect: bool,
}

/// A side: its figures, and how it has a turn.
struct Side {
    series: Series,
    kind: Kind,
    /// Why it has no more turns.
    given_up: Option<String>,
}

#[derive(Clone, Copy)]
enum Kind {
    Ours { effect: bool, transport: Transport },
    Bare { setup: Setup, within: Duration },
}

fn sides() -> Vec<Side> {
    let side = |name, kind| Side { series: Series::new(name), kind, given_up: None };
    let ours = |effect, transport| Kind::Ours { effect, transport };
    let tuned = |batch| Kind::Bare { setup: Setup::Tuned { batch }, within: TUNED_WITHIN };
    vec![
        side("no-op, redis transport", ours(false, Transport::Redis)),
        side("bare apalis-redis, our setup", tuned(Queue::Default.policy().slots.div_ceil(4))),
        side("no-op, direct transport", ours(false, Transport::Direct)),
        side("bare apalis-redis, large batches", tuned(500)),
        side("one effect row, redis transport", ours(true, Transport::Redis)),
        side(
            "bare apalis-redis, as it comes",
            Kind::Bare { setup: Setup::Default, within: DEFAULT_WITHIN },
        ),
        side("one effect row, direct transport", ours(true, Transport::Direct)),
    ]
}

/// Compares them in turns.
pub(crate) async fn compare(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let jobs = usize::try_from(arguments.jobs).attempt("too many")?;
    let database = arguments.servers.database("jobs").await?;
    let mut sides = sides();
    for round in 1..=arguments.rounds {
        let mut order: Vec<&mut Side> = sides.iter_mut().collect();
        // There and back again, so that no side always comes after the same other one.
        if round % 2 == 0 {
            order.reverse();
        }
        for side in order {
            side.have_turn(&arguments.servers, &database, jobs, round).await?;
        }
    }
    report.add(section(sides, jobs));
    Ok(())
}

impl Side {
    async fn have_turn(
        &mut self,
        servers: &Servers,
        database: &Database,
        jobs: usize,
        round: u16,
    ) -> Result<()> {
        if self.given_up.is_some() {
            return Ok(());
        }
        let turn = match self.kind {
            Kind::Ours { effect, transport } => {
                platform::turn(servers, database, Burst { jobs, effect }, transport).await?
            }
            Kind::Bare { setup, within } => match bare::turn(servers, jobs, setup, within).await {
                Ok(turn) => turn,
                Err(problem) => {
                    progress(&format!("jobs, round {round}: {}: {problem}", self.series.name));
                    self.given_up = Some(problem);
                    return Ok(());
                }
            },
        };
        progress(&format!("jobs, round {round}: {} {:.0}/s", self.series.name, turn.rate));
        self.series.add(turn);
        Ok(())
    }
}

/// What is divided by what, by the places of [`sides`].
const RATIOS: [(usize, usize); 6] = [(0, 1), (0, 3), (0, 5), (4, 1), (2, 0), (6, 4)];

fn section(sides: Vec<Side>, jobs: usize) -> Section {
    let slots = Queue::Default.policy().slots;
    let mut section = Section::new(format!(
        "JOBS   {jobs} a turn, end to end, one worker with {slots} slots on one queue"
    ));
    for (above, below) in RATIOS {
        if let (Some(above), Some(below)) = (sides.get(above), sides.get(below)) {
            section.ratio(&above.series, &below.series);
        }
    }
    let (ours, bare): (Vec<Side>, Vec<Side>) =
        sides.into_iter().partition(|side| matches!(side.kind, Kind::Ours { .. }));
    for side in ours.into_iter().chain(bare) {
        if let Some(problem) = side.given_up {
            section.note(format!("{}: given up: {problem}", side.series.name));
        }
        section.series(side.series);
    }
    section.note(format!(
        "end to end: from the first chunk of {CHUNK} enqueued by one producer to the last job durably done (ours: its row is \
         committed as done; bare: its acknowledgement is in Redis, which may lose the last second)"
    ));
    section.note("ours also survives the loss of all of Redis, counts crashes, fences late workers and keeps every attempt; bare apalis-redis does not");
    section.note("bare setups: no task locks, polls every 20 ms, at most 4,000 waiting; `as it comes` has apalis-redis' defaults and no limit of concurrency");
    section
}
