//! Upkeep: the long work of the platform. Each rule at its boundary, each walk killed and stopped in the middle.

mod jobs;
mod listings;
mod people;
mod search;
mod statistics;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use shared::App;
use shared::jobs::{JobKind, kinds, rescue};
use shared::settings::Settings;
use tests::{TestApp, eventually};
use tokio::sync::Notify;
use worker::Engine;

thread_local! {
    /// How many transactions the worker of this thread's test may still commit.
    static COMMITS_LEFT: Cell<u32> = const { Cell::new(u32::MAX) };
    static LAST_COMMIT: Rc<Notify> = Rc::default();
}

/// A platform whose vanished workers are given up after a second.
async fn impatient() -> TestApp {
    TestApp::start_with(&[("JOBS_LEASE", "1s")]).await
}

/// What became of every job of a kind: `done 250/250`.
async fn told<J: JobKind>(app: &TestApp) -> Vec<String> {
    let sql =
        "SELECT state || ' ' || progress_done || '/' || progress_total FROM jobs WHERE kind = ";
    app.database.texts(&format!("{sql}'{}' ORDER BY id", J::KIND)).await
}

/// Runs a job of a kind; follow-ups of others are due and run too.
async fn run<J: JobKind + Default>(app: &TestApp) {
    app.enqueue(J::default()).await;
    app.run_due_jobs().await;
}

/// Begins a job of a kind on a worker that vanishes, as by `kill -9`, in the middle of the second batch; another worker
/// may go on when this returns. The test runs on one thread, so the probe knows whose commits it counts.
async fn vanish_in_the_second_batch<J: JobKind + Default>(app: &TestApp) {
    app.enqueue(J::default()).await;
    COMMITS_LEFT.set(1);
    let settings = Settings::from_vars(app.variables()).expect("valid settings");
    let one = Arc::new(App::new(settings).expect("an app"));
    let engine = Engine::with_probe(one, tests::kinds::registry(), |point| {
        if point == "after_commit" {
            COMMITS_LEFT.set(COMMITS_LEFT.get().saturating_sub(1));
            if COMMITS_LEFT.get() == 0 {
                LAST_COMMIT.with(|last| last.notify_one());
            }
        }
    });
    let last_commit = LAST_COMMIT.with(Rc::clone);
    tokio::select! {
        biased;
        () = last_commit.notified() => {}
        ran = engine.run_due() => panic!("it was not cut off: {ran:?}"),
    }
    eventually("the lease of the vanished worker runs out", async || {
        let conn = &mut app.app.db.read().await.expect("connects");
        !rescue(conn).await.expect("rescues").is_empty()
    })
    .await;
}

/// A job of a kind over `rows` rows is killed after the first batch, and another worker goes on where it was.
async fn survives_a_kill<J: JobKind + Default>(app: &TestApp, batch: u32, rows: u32) {
    vanish_in_the_second_batch::<J>(app).await;
    assert_eq!(told::<J>(app).await, [format!("pending {batch}/{rows}")]);
    app.run_due_jobs().await;
    assert_eq!(told::<J>(app).await, [format!("done {rows}/{rows}")]);
}

/// A job of a kind over `rows` rows is stopped by an operator after the first batch; the next one does the rest.
async fn can_be_stopped<J: JobKind + Default>(app: &TestApp, batch: u32, rows: u32) {
    vanish_in_the_second_batch::<J>(app).await;
    let wish =
        "INSERT INTO job_cancellations (job_id, requested_by) SELECT id, 'an operator' FROM jobs";
    app.database.execute(&format!("{wish} WHERE kind = '{}'", J::KIND)).await;
    app.run_due_jobs().await;
    let stopped = format!("cancelled {batch}/{rows}");
    assert_eq!(told::<J>(app).await, [stopped.as_str()]);
    run::<J>(app).await;
    let rest = rows - batch;
    assert_eq!(told::<J>(app).await, [stopped, format!("done {rest}/{rest}")]);
}

#[test]
fn each_upkeep_has_its_time() {
    let schedule = scheduler::schedule::schedule();
    let next = |kind: &str| {
        let midnight_in_tashkent: DateTime<Utc> = "2026-03-01T19:00:00Z".parse().expect("a time");
        let line = schedule.iter().find(|line| line.name == kind).expect(kind);
        line.cron.after(&midnight_in_tashkent).next().expect("a time").format("%H:%M").to_string()
    };
    for (kind, time) in [
        (kinds::CalculateDailyStatistics::KIND, "19:05"),
        (kinds::PruneJobs::KIND, "19:10"),
        (kinds::MaintainPartitions::KIND, "19:40"),
        (kinds::ArchiveOldListings::KIND, "20:30"),
        (kinds::CleanupUnverifiedUsers::KIND, "21:00"),
        (kinds::UpdateSearchIndex::KIND, "19:00"),
    ] {
        assert_eq!(next(kind), time, "{kind}");
    }
}
