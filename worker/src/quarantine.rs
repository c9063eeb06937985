//! Quarantine: jobs that were running when a worker vanished run one at a time, so that a job which kills its worker
//! is found out without taking its neighbours to the dead letter.

use std::sync::Arc;

use shared::error::Result;
use shared::jobs::{self, Claimed};

use crate::engine::Engine;
use crate::lane::{Lane, millis};

/// Runs suspects of this worker's queues, one after another.
pub(crate) async fn run(engine: Arc<Engine>) {
    let poll = engine.app.settings.jobs.poll_every;
    while !engine.draining.is_cancelled() {
        let mut ran = false;
        for lane in &engine.lanes {
            ran |= run_one(&engine, lane).await;
        }
        if !ran {
            tokio::select! {
                () = engine.draining.cancelled() => return,
                () = tokio::time::sleep(poll) => {}
            }
        }
    }
}

/// Runs one suspect of a lane, if there is one and a slot for it.
async fn run_one(engine: &Arc<Engine>, lane: &Lane) -> bool {
    let Ok(slot) = Arc::clone(&lane.slots).try_acquire_owned() else { return false };
    let suspect = match claim(engine, lane).await {
        Ok(suspect) => suspect,
        Err(error) => {
            tracing::warn!(target: "jobs", queue = %lane.queue, error = error.causes(), "suspects cannot be claimed");
            return false;
        }
    };
    let Some(job) = suspect else { return false };
    let runner = Arc::clone(engine);
    let run = engine.tasks.spawn(async move { runner.execute(job, Some(slot)).await });
    run.await.is_ok()
}

/// Claims one suspect of a lane.
pub(crate) async fn claim(engine: &Engine, lane: &Lane) -> Result<Option<Claimed>> {
    let conn = &mut engine.app.db.read().await?;
    let lease = millis(engine.app.settings.jobs.lease);
    jobs::claim_suspect(conn, lane.queue, &lane.kinds, &engine.name, lease).await
}
