//! Memory: what a worker holds while it serves steady load, and whether that grows.

use std::time::{Duration, Instant};

use shared::jobs::{JobKind, Queue};
use shared::settings::Transport;

use super::kinds::{Noop, OneRow};
use super::platform::Setup;
use super::process::Process;
use super::queue::{self, Batch};
use crate::failure::{Attempt, Result};
use crate::machine;
use crate::meter::{Meter, Worker};
use crate::report::{Report, Section};
use crate::series::{Series, Turn, median};
use crate::{Bench, progress};

/// Jobs are recorded this often.
const GAP: Duration = Duration::from_millis(100);
/// Memory is looked at so many times at most.
const LOOKS_MAX: u32 = 600;
/// It is flat when the last third holds at most this much more than the middle one…
const GROWTH_MAX: f64 = 0.03;
/// … or this much: an allocator's own step, in megabytes.
const STEP: f64 = 2.0;

/// The slope of a shorter time is noise.
const TELLING: Duration = Duration::from_secs(600);

/// The memory at a moment: hours since the start, megabytes.
type Look = (f64, f64);

/// Watches a worker.
pub(crate) async fn watch(bench: &Bench, report: &mut Report) -> Result<()> {
    let database = bench.servers.database("memory").await?;
    let lasts = Duration::from_secs(bench.sizes.memory_seconds.into());
    let rate = usize::try_from(bench.sizes.memory_rate).attempt("too many")?;
    queue::empty(&database).await?;
    database.settle().await?;
    let setup = Setup::usual(Transport::Redis);
    let mut worker = Process::start(&bench.servers, &database, setup).await?;
    let mut admin = database.admin().await?;
    let meter = Meter::start(&bench.servers, Worker::Process(worker.pid)).await?;
    let started = Instant::now();
    let look_every = (lasts / LOOKS_MAX).max(Duration::from_millis(250));
    let (mut looks, mut recorded, mut turns): (Vec<Look>, usize, u32) = (Vec::new(), 0, 0);
    while started.elapsed() < lasts {
        // Both ways of completing: in groups, and in the transaction of an effect.
        let kind = if turns % 2 == 0 { Noop::KIND } else { OneRow::KIND };
        let (first, count) = (recorded + 1, rate / 10);
        let batch = Batch { kind, queue: Queue::Default, first, count };
        queue::enqueue(&mut admin, batch).await?;
        recorded += count;
        turns += 1;
        if started.elapsed() >= look_every * u32::try_from(looks.len()).unwrap_or(u32::MAX) {
            let held = machine::resident(worker.pid).attempt("memory cannot be read here")?;
            looks.push((started.elapsed().as_secs_f64() / 3_600.0, held as f64 / 1_024.0));
        }
        tokio::time::sleep_until((started + GAP * turns).into()).await;
    }
    queue::wait(&mut admin, Queue::Default, lasts.max(Duration::from_secs(60))).await?;
    let done = worker.done().await?;
    let cost = meter.finish(done).await?;
    let elapsed = started.elapsed();
    worker.stop().await?;
    if done != recorded {
        return Err(format!("{recorded} jobs were recorded and the worker counted {done}"));
    }
    progress(&format!("memory: {done} jobs in {:.0} s", elapsed.as_secs_f64()));
    let mut series = Series::new("half no-op, half one effect row");
    let rate = done as f64 / elapsed.as_secs_f64();
    series.add(Turn { rate, latencies: Vec::new(), cost });
    show(&looks, series, lasts, report)
}

fn show(looks: &[Look], series: Series, lasts: Duration, report: &mut Report) -> Result<()> {
    let third = looks.len() / 3;
    let held = |looks: &[Look]| median(looks.iter().map(|(_, held)| *held).collect());
    let (early, middle, late) = (
        looks.get(..third).and_then(held).attempt("too few looks")?,
        looks.get(third..2 * third).and_then(held).attempt("too few looks")?,
        looks.get(2 * third..).and_then(held).attempt("too few looks")?,
    );
    let slope = slope(looks.get(third..).unwrap_or_default()).filter(|_| lasts >= TELLING);
    let slope = slope.map_or_else(String::new, |slope| {
        format!("; slope after the first third {slope:+.1} MB an hour")
    });
    let most = looks.iter().map(|(_, held)| *held).fold(0.0, f64::max);
    let flat = late - middle <= (middle * GROWTH_MAX).max(STEP);
    let seconds = lasts.as_secs();
    let mut section = Section::new(format!(
        "MEMORY   one worker over {seconds} s, redis, everything as it comes"
    ));
    section.headline(format!(
        "{early:.1}, {middle:.1}, {late:.1} MB in the thirds of the time, {most:.1} at most{slope}"
    ));
    report.target(
        flat,
        format!(
            "a worker's memory is flat: {middle:.1} MB, then {late:.1} MB, over {seconds} s{}",
            if seconds < 3_600 {
                " (the promise is about an hour: --memory-seconds 3600)"
            } else {
                ""
            }
        ),
    );
    section.series(series);
    section.note(format!(
        "flat: the last third's median holds at most {:.0} % or {STEP:.0} MB more than the middle third's",
        GROWTH_MAX * 100.0
    ));
    report.add(section);
    Ok(())
}

/// Megabytes an hour, by least squares.
fn slope(looks: &[Look]) -> Option<f64> {
    let count = looks.len() as f64;
    let (sum_x, sum_y) = looks.iter().fold((0.0, 0.0), |(x, y), look| (x + look.0, y + look.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (above, below) = looks.iter().fold((0.0, 0.0), |(above, below), (x, y)| {
        (above + (x - mean_x) * (y - mean_y), below + (x - mean_x) * (x - mean_x))
    });
    (below > 0.0).then_some(above / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_the_growth_per_hour() {
        let looks: Vec<Look> =
            (0..10).map(|hour| (f64::from(hour), 50.0 + 2.0 * f64::from(hour))).collect();
        assert!(slope(&looks).is_some_and(|slope| (slope - 2.0).abs() < 1e-9));
        assert_eq!(slope(&[]), None);
    }
}
