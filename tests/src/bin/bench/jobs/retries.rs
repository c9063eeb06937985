//! Retry storm: a crowd fails at once, and must not come back as a crowd.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double, SmallInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use shared::jobs::{JobKind, Queue};
use shared::settings::Transport;

use super::kinds::Flaky;
use super::platform::Setup;
use super::process::Process;
use super::queue::{self, Batch};
use crate::Bench;
use crate::failure::{Attempt, Result};
use crate::report::{Report, Section};
use crate::servers::number;

/// How long the storm is watched in real time: the first three waits are over by then.
const WATCHED: Duration = Duration::from_secs(16);
/// Moves of the clock after which the last failure has come back: each lets seven in ten end.
const MOVES_MAX: usize = 40;
/// Returns are counted in buckets of so many milliseconds, or of more where they are few…
const BUCKET: i64 = 100;
/// … so that a bucket holds this many on average, and is not full by chance.
const CROWD: usize = 30;
/// The second and third attempts are judged: later ones are few.
const ATTEMPTS: [i16; 2] = [2, 3];
/// A bucket may hold this many times the mean of the middle nine tenths.
const SPIKE: f64 = 3.0;

/// A failure that came back.
#[derive(QueryableByName)]
struct Return {
    #[diesel(sql_type = SmallInt)]
    attempt: i16,
    /// How long after it failed, in milliseconds.
    #[diesel(sql_type = Double)]
    wait: f64,
    /// When, in milliseconds after the first run.
    #[diesel(sql_type = BigInt)]
    at: i64,
}

/// Lets it storm.
pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let database = bench.servers.database("retries").await?;
    let jobs = usize::try_from(bench.sizes.flaky_jobs).attempt("too many")?;
    queue::empty(&database).await?;
    queue::fill(&database, Batch::of(Flaky::KIND, jobs)).await?;
    let setup = Setup::of(Queue::Default, Transport::Redis);
    let mut variables = setup.variables(&bench.servers, &database);
    // It would say every failure.
    variables.insert("LOG_LEVEL".to_owned(), "error".to_owned());
    let worker = Process::with(variables).await?;
    let mut admin = database.admin().await?;
    queue::make_due(&mut admin).await?;
    tokio::time::sleep(WATCHED).await;
    let returns = returns(&mut admin).await?;
    // The rest is not waited for.
    for _ in 0..MOVES_MAX {
        if queue::done(&mut admin).await? == i64::try_from(jobs).attempt("few")? {
            break;
        }
        queue::advance(&mut admin, "1 hour").await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let dead = number(&mut admin, "SELECT count(*) FROM jobs WHERE state = 'dead'").await?;
    worker.stop().await?;
    queue::check(&mut admin, jobs, 0).await.map_err(|problem| format!("{problem}, {dead} dead"))?;
    show(&returns, jobs, report);
    Ok(())
}

/// Every attempt that followed a failure, from the kept attempts.
async fn returns(admin: &mut AsyncPgConnection) -> Result<Vec<Return>> {
    diesel::sql_query(
        "SELECT a.attempt,
                (extract(epoch FROM a.started_at - f.ended_at) * 1000)::float8 AS wait,
                (extract(epoch FROM a.started_at - (SELECT min(started_at) FROM job_attempts)) * 1000)::bigint AS at
         FROM job_attempts a JOIN job_attempts f ON f.job_id = a.job_id AND f.attempt = a.attempt - 1
         WHERE f.outcome = 'retry'",
    )
    .load(admin)
    .await
    .attempt("attempts are not read")
}

fn show(returns: &[Return], jobs: usize, report: &mut Report) {
    let mut section = Section::new(format!(
        "RETRY STORM   {jobs} jobs due at once, {} % of all runs fail; waits between failure and next start",
        Flaky::FAILURES
    ));
    let mut worst: f64 = 0.0;
    for attempt in ATTEMPTS {
        let these = || returns.iter().filter(|found| found.attempt == attempt);
        let mut waits: Vec<f64> = these().map(|found| found.wait).collect();
        waits.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| {
            let last = waits.len().saturating_sub(1);
            waits.get((last as f64 * share) as usize).map_or(0.0, |wait| wait / 1_000.0)
        };
        let spike = spike(these().map(|found| found.at).collect());
        worst = worst.max(spike.unwrap_or(0.0));
        section.headline(format!(
            "attempt {attempt}: {} came back after {:.2} to {:.2} s (p5 {:.2}, p50 {:.2}, p95 {:.2}); the fullest moment held {:.1} times the mean",
            waits.len(), at(0.0), at(1.0), at(0.05), at(0.5), at(0.95), spike.unwrap_or(0.0)
        ));
        for line in histogram(&waits) {
            section.note(format!("attempt {attempt} after {line}"));
        }
    }
    report.target(
        worst > 0.0 && worst <= SPIKE,
        format!("failures do not come back as a crowd: the fullest moment held {worst:.1} times the mean (at most {SPIKE:.0})"),
    );
    section.note(format!("moments are {BUCKET} ms long, or so long that {CROWD} returns fall into each on average; between the 5th and the 95th percentile"));
    section.note("afterwards, with the clock moved on, every job was done and none was dead");
    report.add(section);
}

/// How full the fullest bucket of returns is against the mean bucket, between the 5th and the 95th percentile.
fn spike(mut at: Vec<i64>) -> Option<f64> {
    at.sort_unstable();
    let edge = at.len() / 20;
    let middle = at.get(edge..at.len() - edge)?;
    let (first, last) = (*middle.first()?, *middle.last()?);
    let finest = usize::try_from((last - first) / BUCKET).ok()?;
    let buckets = finest.min(middle.len() / CROWD).max(1);
    let width = (last - first) / i64::try_from(buckets).ok()? + 1;
    let mut counts = vec![0_u32; buckets];
    for at in middle {
        let bucket = usize::try_from((at - first) / width).ok()?;
        *counts.get_mut(bucket)? += 1;
    }
    Some(f64::from(*counts.iter().max()?) * buckets as f64 / middle.len() as f64)
}

/// The spread of the waits, a line per quarter of a second.
fn histogram(waits: &[f64]) -> Vec<String> {
    const WIDTH: usize = 250;
    let bucket = |wait: &f64| (wait.max(0.0) as usize) / WIDTH;
    let last = waits.iter().map(bucket).max().unwrap_or(0);
    let first = waits.iter().map(bucket).min().unwrap_or(0);
    let line = |at: usize| {
        let count = waits.iter().filter(|wait| bucket(wait) == at).count();
        let share = count * 100 / waits.len().max(1);
        let from = (at * WIDTH) as f64 / 1_000.0;
        format!("{from:>6.2} s {:<40} {share} %", "#".repeat(share.min(40)))
    };
    if waits.is_empty() { Vec::new() } else { (first..=last).map(line).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_a_spike_and_a_spread_is_none() {
        let spread: Vec<i64> = (0..1_000).map(|nth| nth * 2).collect();
        assert!(spike(spread).is_some_and(|spike| spike < 1.2));
        let crowd: Vec<i64> =
            (0..1_000).map(|nth| if nth < 800 { 1_000 } else { nth * 2 }).collect();
        assert!(spike(crowd).is_some_and(|spike| spike > 5.0));
    }
}
