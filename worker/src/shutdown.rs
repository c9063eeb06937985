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
use crate::{apalis, direct, dispatcher, keeper, quarantine, redis};

/// How long interrupted runs have to hand back their jobs.
const HAND_BACK_WITHIN: Duration = Duration::from_secs(3);

/// Runs the engine until `stop` is ready, then drains it within the grace of the settings.
pub async fn run(engine: Arc<Engine>, stop: impl Future<Output = ()>) {
    let mut services = JoinSet::new();
    if let Err(error) = start(&engine, &mut services) {
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
    drain(&engine).await;
    services.shutdown().await;
}

fn start(engine: &Arc<Engine>, services: &mut JoinSet<()>) -> shared::Result<()> {
    let settings = &engine.app.settings;
    services.spawn(keeper::sweep(Arc::clone(engine)));
    services.spawn(keeper::renew(Arc::clone(engine)));
    services.spawn(listen(Arc::clone(engine)));
    services.spawn(quarantine::run(Arc::clone(engine)));
    for lane in &engine.lanes {
        services.spawn(direct::run(Arc::clone(engine), Arc::clone(lane)));
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
                services.spawn(dispatcher::run(Arc::clone(engine), Arc::clone(lane), pusher));
                services.spawn(apalis::run(Arc::clone(engine), Arc::clone(lane)));
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
async fn drain(engine: &Engine) {
    tracing::info!(target: "jobs", worker = engine.name, "worker drains");
    engine.draining.cancel();
    engine.tasks.close();
    let grace = engine.app.settings.jobs.shutdown_grace;
    let mut interrupted = 0;
    if tokio::time::timeout(grace, engine.tasks.wait()).await.is_err() {
        interrupted = engine.running.interrupt_all();
        // Each run hands its job back by itself; a run that cannot is rescued when its lease runs out.
        drop(tokio::time::timeout(HAND_BACK_WITHIN, engine.tasks.wait()).await);
    }
    if let Err(error) = leave(engine).await {
        tracing::warn!(target: "jobs", error = error.causes(), "could not say goodbye; the leases will");
    }
    tracing::info!(target: "jobs", worker = engine.name, interrupted, "worker stopped");
}

async fn leave(engine: &Engine) -> shared::Result<()> {
    let mut unstarted: Vec<(JobId, i32)> =
        engine.lanes.iter().flat_map(|lane| lane.left()).collect();
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
