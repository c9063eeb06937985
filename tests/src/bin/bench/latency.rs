//! How soon a job starts after the commit that recorded it, while the worker has nothing else to do.

use std::time::{Duration, Instant};

use rand::Rng;
use shared::jobs;
use shared::settings::Transport;

use crate::failure::{Attempt, Result};
use crate::jobs::kinds::Stopwatch;
use crate::jobs::platform::{InProcess, Setup};
use crate::jobs::queue;
use crate::meter::Cost;
use crate::report::{Report, Section, millis};
use crate::series::{Series, Turn};
use crate::servers::{Database, Servers};
use crate::{Bench, progress};

/// Jobs that are not counted: the first ones prepare statements and open connections.
const WARM_UP: u32 = 5;
/// The pause between two jobs. It varies, so that it never falls into step with the polls.
const PAUSE_MS: std::ops::Range<u64> = 20..40;
/// How long the last job may take to start.
const STARTED_WITHIN: Duration = Duration::from_secs(60);
/// What is promised of the median.
const PROMISE: Duration = Duration::from_millis(50);

/// Measures both transports in turns.
pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let database = bench.servers.database("latency").await?;
    let rounds = u32::from(bench.sizes.rounds);
    let each = bench.sizes.latency_jobs.div_ceil(rounds);
    let mut transports = [
        (Transport::Redis, Series::new("redis transport")),
        (Transport::Direct, Series::new("direct transport")),
    ];
    for round in 1..=rounds {
        for (transport, series) in &mut transports {
            let turn = turn(&bench.servers, &database, *transport, each).await?;
            progress(&format!("latency, round {round}: {} done", series.name));
            series.add(turn);
        }
        transports.reverse();
    }
    transports.sort_by_key(|(transport, _)| *transport != Transport::Redis);
    let mut section = Section::new(format!(
        "LATENCY   commit to job start, idle, {} jobs per transport over {rounds} rounds",
        each * rounds
    ));
    for (_, series) in transports {
        let latencies = series.latencies();
        let median = latencies.percentile(50);
        report.target(
            median.is_some_and(|median| median < PROMISE),
            format!(
                "median from commit to start on an idle worker, {}, under {} ms: {} ms",
                series.name,
                PROMISE.as_millis(),
                millis(median)
            ),
        );
        section.headline(format!(
            "p50 {} ms, p95 {} ms, max {} ms of {}: {}",
            millis(median),
            millis(latencies.percentile(95)),
            millis(latencies.percentile(100)),
            latencies.count(),
            series.name,
        ));
        section.series(series);
    }
    section.note("from the moment the committing transaction has returned to the first line of the handler, in one process but through PostgreSQL (and Redis)");
    section.note(format!(
        "a job every {} to {} ms whether or not the last one has started; a worker with all queues and default settings; {WARM_UP} jobs before are not counted",
        PAUSE_MS.start, PAUSE_MS.end
    ));
    report.add(section);
    Ok(())
}

async fn turn(
    servers: &Servers,
    database: &Database,
    transport: Transport,
    jobs: u32,
) -> Result<Turn> {
    queue::empty(database).await?;
    database.settle().await?;
    Stopwatch::reset();
    let worker = InProcess::start(servers, database, Setup::usual(transport)).await?;
    // Whoever enqueues is somebody else than the worker: it has its own connections and its own doorbell.
    let app = Database::app(database.variables())?;
    let mut commits = Vec::new();
    let started = Instant::now();
    for number in 0..WARM_UP + jobs {
        let job = Stopwatch { number };
        app.db
            .transaction(async |tx| jobs::enqueue(tx, &job).await)
            .await
            .attempt("a job is not enqueued")?;
        commits.push((number, Instant::now()));
        let pause = rand::rng().random_range(PAUSE_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    let elapsed = started.elapsed();
    let last = Instant::now();
    while Stopwatch::started() < commits.len() {
        if last.elapsed() > STARTED_WITHIN {
            return Err(format!("{} of {} jobs started", Stopwatch::started(), commits.len()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    worker.stop().await?;
    let starts = Stopwatch::starts();
    let counted = commits.iter().filter(|(number, _)| *number >= WARM_UP);
    let latencies = counted
        .filter_map(|(number, commit)| Some(starts.get(number)?.saturating_duration_since(*commit)))
        .collect();
    Ok(Turn {
        rate: commits.len() as f64 / elapsed.as_secs_f64(),
        latencies,
        cost: Cost::default(),
    })
}
