//! A held transaction: somebody's idle snapshot keeps every dead row, which is what kills queues in PostgreSQL.

use std::time::Duration;

use diesel_async::AsyncPgConnection;
use shared::settings::Transport;

use super::depth::{self, QUEUE};
use super::platform::Setup;
use super::queue;
use crate::failure::Result;
use crate::report::{Report, Section};
use crate::series::{Series, median, ratio};
use crate::servers::{Database, execute, number};
use crate::{Bench, progress};

/// Jobs that wait meanwhile.
const DEPTH: usize = 2_000;
/// The least that is left of the throughput.
const PROMISE: f64 = 0.7;
/// More rounds tell no more.
const ROUNDS_MAX: u16 = 2;

/// With or without the held transaction.
struct Side {
    held: bool,
    series: Series,
    /// Jobs per second in the last third of each turn.
    at_the_end: Vec<f64>,
    /// Dead rows of `jobs` at the end of each turn.
    dead: Vec<f64>,
}

/// Compares them there and back again.
pub(crate) async fn compare(bench: &Bench, report: &mut Report) -> Result<()> {
    let database = bench.servers.database("held").await?;
    let lasts = Duration::from_secs(bench.sizes.held_seconds.into());
    let side = |name, held| Side {
        held,
        series: Series::new(name),
        at_the_end: Vec::new(),
        dead: Vec::new(),
    };
    let mut sides =
        [side("nobody holds a transaction", false), side("a transaction is held", true)];
    for round in 1..=2 * bench.sizes.rounds.min(ROUNDS_MAX) {
        for side in &mut sides {
            queue::empty(&database).await?;
            depth::deepen(&database, DEPTH).await?;
            let holder = if side.held { Some(hold(&database).await?) } else { None };
            let setup = Setup::of(QUEUE, Transport::Redis);
            let flow = depth::flow(&bench.servers, &database, setup, DEPTH, lasts).await?;
            let mut admin = database.admin().await?;
            let dead = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'jobs'";
            side.dead.push(number(&mut admin, dead).await? as f64);
            drop(holder);
            progress(&format!("held, turn {round}: {} {:.0}/s", side.series.name, flow.turn.rate));
            side.at_the_end.push(flow.at_the_end);
            side.series.add(flow.turn);
        }
        sides.reverse();
    }
    show(sides, bench.sizes.held_seconds, report);
    Ok(())
}

/// Takes a snapshot and keeps it, as a forgotten session does.
async fn hold(database: &Database) -> Result<AsyncPgConnection> {
    let mut holder = database.admin().await?;
    execute(&mut holder, "SET idle_in_transaction_session_timeout = 0").await?;
    execute(&mut holder, "BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
    number(&mut holder, "SELECT count(*) FROM jobs").await?;
    Ok(holder)
}

fn show(sides: [Side; 2], seconds: u32, report: &mut Report) {
    let mut section = Section::new(format!(
        "HELD TRANSACTION   no-op jobs with {DEPTH} waiting, {seconds} s a turn, redis, slots as they come"
    ));
    let [free, held] = &sides;
    section.ratio(&held.series, &free.series);
    let late = median(held.at_the_end.clone()).zip(median(free.at_the_end.clone()));
    if let (Some((whole, _)), Some((held, free))) = (ratio(&held.series, &free.series), late) {
        let late = held / free;
        section.headline(format!("{late:>6.2}   in the last third of the turns"));
        report.target(
            whole.min(late) >= PROMISE,
            format!(
                "at least 70 % of the throughput beside a held transaction: {:.0} %, and {:.0} % in the last third of {seconds} s",
                whole * 100.0,
                late * 100.0
            ),
        );
    }
    for side in sides {
        let dead: Vec<String> = side.dead.iter().map(|dead| format!("{dead:.0}")).collect();
        section.note(format!(
            "dead rows of jobs at the end, {}: {}",
            side.series.name,
            dead.join(" ")
        ));
        section.series(side.series);
    }
    report.add(section);
}
