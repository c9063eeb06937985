//! Deep backlog: throughput must not depend on how much waits.

use std::time::Duration;

use shared::settings::Transport;

use super::depth::{self, QUEUE};
use super::platform::Setup;
use crate::failure::{Attempt, Result};
use crate::peers::bare_waits::{self, Standing};
use crate::report::{Report, Section};
use crate::series::{Series, ratio};
use crate::servers::Database;
use crate::{Bench, progress};

/// The backlog of a good day.
const SHALLOW: usize = 1_000;
/// The least that is left of the throughput.
const PROMISE: f64 = 0.8;
/// More rounds tell no more.
const ROUNDS_MAX: u16 = 2;
/// A peer whose queue wedges at 8,000 is not asked for more.
const PEER_DEEP: usize = 10_000;
/// And is not waited for any longer.
const PEER_WITHIN: Duration = Duration::from_secs(45);

/// One depth over one transport.
struct Side {
    transport: Transport,
    is_deep: bool,
    series: Series,
    hungry: f64,
}

/// Compares both depths over both transports.
pub(crate) async fn compare(bench: &Bench, report: &mut Report) -> Result<()> {
    let deep = usize::try_from(bench.sizes.deep).attempt("too many")?;
    let lasts = Duration::from_secs(bench.sizes.backlog_seconds.into());
    let (shallow_database, deep_database) =
        (bench.servers.database("shallow").await?, bench.servers.database("deep").await?);
    let side = |name: String, transport, is_deep| Side {
        transport,
        is_deep,
        series: Series::new(name),
        hungry: 0.0,
    };
    let mut sides = Vec::new();
    for transport in [Transport::Redis, Transport::Direct] {
        let name = |depth: usize| format!("{depth} waiting, {}", transport.as_str());
        sides.push(side(name(SHALLOW), transport, false));
        sides.push(side(name(deep), transport, true));
    }
    let rounds = bench.sizes.rounds.min(ROUNDS_MAX);
    for round in 1..=rounds {
        for side in &mut sides {
            let (database, depth): (&Database, usize) =
                if side.is_deep { (&deep_database, deep) } else { (&shallow_database, SHALLOW) };
            depth::deepen(database, depth).await?;
            let setup = Setup::of(QUEUE, side.transport);
            let flow = depth::flow(&bench.servers, database, setup, depth, lasts).await?;
            progress(&format!(
                "backlog, round {round}: {} {:.0}/s",
                side.series.name, flow.turn.rate
            ));
            side.hungry = side.hungry.max(flow.hungry);
            side.series.add(flow.turn);
        }
        sides.reverse();
    }
    if rounds % 2 == 1 {
        sides.reverse();
    }
    let mut peers = Vec::new();
    for depth in [SHALLOW, PEER_DEEP] {
        match bare_waits::stand(&bench.servers, depth, PEER_WITHIN).await {
            Ok(standing) => peers.push((depth, standing)),
            Err(problem) => report
                .skip(format!("backlog, apalis-redis as it comes, {depth} waiting: {problem}")),
        }
    }
    show(sides, &peers, (deep, bench.sizes.backlog_seconds), report);
    Ok(())
}

fn show(
    sides: Vec<Side>,
    peers: &[(usize, Standing)],
    (deep, seconds): (usize, u32),
    report: &mut Report,
) {
    let mut section =
        Section::new(format!("BACKLOG   no-op jobs at a constant depth, {seconds} s a turn"));
    for pair in sides.chunks(2) {
        let [shallow, deeper] = pair else { continue };
        section.ratio(&deeper.series, &shallow.series);
        if let Some((ratio, _)) = ratio(&deeper.series, &shallow.series) {
            report.target(
                ratio >= PROMISE,
                format!(
                    "throughput with {deep} waiting within 20 % of that with {SHALLOW}, {}: {:.0} %",
                    shallow.transport.as_str(),
                    ratio * 100.0
                ),
            );
        }
    }
    let hungry = sides.iter().map(|side| side.hungry).fold(0.0, f64::max);
    section.note(format!(
        "as many jobs are recorded as are done, in both; at worst, at {hungry:.0} % of the looks less than a quarter of the depth waited"
    ));
    for (depth, Standing { handled, took, stuck }) in peers {
        let stuck = stuck.as_ref().map_or_else(String::new, |why| format!(", and no more: {why}"));
        section.note(format!(
            "apalis-redis as it comes, {depth} tasks due when its worker starts: {handled} handled in {:.1} s{stuck}",
            took.as_secs_f64()
        ));
    }
    section.note("slots as they come; what the worker counted as done was done in the table");
    sides.into_iter().for_each(|side| section.series(side.series));
    report.add(section);
}
