//! The life of the worker process: start everything, and on SIGTERM take nothing new, finish, hand back the rest.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use shared::ids::JobId;
use shared::jobs;
use shared::settings::Transport;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::engine::Engine;
use crate::{apalis, direct, dispatcher, intake, keeper, quarantine, redis};

/// How long interrupted runs have to hand back their jobs.
const HAND_BACK_WITHIN: Duration = Duration::from_secs(3);
/// How long whoever carries jobs may take to notice the end: a Redis that is away does not keep the process.
const CARRIERS_WITHIN: Duration = Duration::from_secs(2);

/// Runs the engine until `stop` is ready, then drains it within the grace of the settings.
pub async fn run(engine: Arc<Engine>, stop: impl Future<Output = ()>) {
    let (mut services, mut carriers) = (JoinSet::new(), JoinSet::new());
    if let Err(error) = start(&engine, &mut services, &mut carriers) {
        tracing::error!(target: "jobs", error = error.causes(), "the worker cannot start");
        return;
    }
    tracing::info!(target: "jobs", worker = engine.name, "worker takes jobs");
    tokio::select! {
        () = stop => {}
        () = engine.leaving.cancelled() => {
            tracing::info!(target: "jobs", worker = engine.name, "an operator asked this worker to drain");
        }
    }
    drain(&engine, &mut carriers).await;
    carriers.shutdown().await;
    services.shutdown().await;
}

/// Starts everything; `carriers` are those that hand jobs out or claim them, and end by themselves when the process
/// drains.
fn start(
    engine: &Arc<Engine>,
    services: &mut JoinSet<()>,
    carriers: &mut JoinSet<()>,
) -> shared::Result<()> {
    let settings = &engine.app.settings;
    services.spawn(keeper::sweep(Arc::clone(engine)));
    services.spawn(keeper::renew(Arc::clone(engine)));
    services.spawn(listen(Arc::clone(engine)));
    carriers.spawn(quarantine::run(Arc::clone(engine)));
    for lane in &engine.lanes {
        carriers.spawn(direct::run(Arc::clone(engine), Arc::clone(lane)));
    }
    match settings.jobs.transport {
        Transport::Direct => {
            engine.direct.store(true, Ordering::Relaxed);
            redis::show_mode(true);
        }
        Transport::Redis => {
            redis::show_mode(false);
            services
                .spawn(redis::watch(Arc::clone(engine), redis::connect(&settings.redis, false)?));
            services
                .spawn(redis::prune(Arc::clone(engine), redis::connect(&settings.redis, false)?));
            for lane in &engine.lanes {
                let pusher = redis::Pusher::new(&settings.redis, lane)?;
                carriers.spawn(dispatcher::run(Arc::clone(engine), Arc::clone(lane), pusher));
                if let Some(arrivals) = lane.open() {
                    carriers.spawn(intake::run(Arc::clone(engine), Arc::clone(lane), arrivals));
                }
                carriers.spawn(apalis::run(Arc::clone(engine), Arc::clone(lane)));
            }
        }
    }
    Ok(())
}

async fn listen(engine: Arc<Engine>) {
    let lanes = engine.lanes.clone();
    let direct_url = engine.app.settings.database.direct_url.clone();
    jobs::listen(direct_url, move || lanes.iter().for_each(|lane| lane.bell.notify_one())).await;
}

/// Takes nothing new, waits for what runs, and hands back the rest: what does not finish in time (the attempt does not
/// count) and what was delivered and not started.
async fn drain(engine: &Engine, carriers: &mut JoinSet<()>) {
    tracing::info!(target: "jobs", worker = engine.name, "worker drains");
    engine.draining.cancel();
    engine.tasks.close();
    let grace = engine.app.settings.jobs.shutdown_grace;
    let mut interrupted = 0;
    if tokio::time::timeout(grace, at_rest(engine, carriers)).await.is_err() {
        interrupted = engine.running.interrupt_all();
        // Each run hands its job back by itself; a run that cannot is rescued when its lease runs out.
        drop(tokio::time::timeout(HAND_BACK_WITHIN, at_rest(engine, carriers)).await);
    }
    if let Err(error) = leave(engine).await {
        tracing::warn!(target: "jobs", error = error.causes(), "could not say goodbye; the leases will");
    }
    tracing::info!(target: "jobs", worker = engine.name, interrupted, "worker stopped");
}

/// Ready when nothing runs and nothing can start any more: who was in the middle of handing out or claiming is done.
async fn at_rest(engine: &Engine, carriers: &mut JoinSet<()>) {
    engine.tasks.wait().await;
    let carried = async { while carriers.join_next().await.is_some() {} };
    drop(tokio::time::timeout(CARRIERS_WITHIN, carried).await);
    engine.tasks.wait().await;
}

async fn leave(engine: &Engine) -> shared::Result<()> {
    let mut unstarted: Vec<(JobId, i32)> = Vec::new();
    if engine.app.settings.jobs.transport == Transport::Redis
        && !engine.direct.load(Ordering::Relaxed)
    {
        let mut redis = redis::connect(&engine.app.settings.redis, false)?;
        for lane in &engine.lanes {
            match redis::fetched(engine, lane, &mut redis).await {
                Ok(messages) => unstarted.extend(messages),
                Err(error) => {
                    tracing::warn!(target: "jobs", error = error.causes(), "fetched messages wait for the dispatch timeout");
                }
            }
        }
    }
    // Last: what was acknowledged meanwhile has been left here.
    unstarted.extend(engine.lanes.iter().flat_map(|lane| lane.left()));
    let conn = &mut engine.app.db.read().await?;
    let returned = jobs::take_back(conn, &unstarted).await?;
    if returned > 0 {
        tracing::info!(target: "jobs", returned, "jobs that were not started are offered to other workers");
    }
    jobs::retire(conn, &engine.name).await
}

/// Ready at SIGTERM or SIGINT.
pub async fn until_signal() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut stream) => drop(stream.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
