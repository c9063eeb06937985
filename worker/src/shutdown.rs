//! The life of the worker process: start everything, and on SIGTERM take nothing new, finish, hand back the rest.

use std::future::Future;
use std::sync::Arc;

use shared::jobs;
use shared::settings::Transport;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::engine::Engine;
use crate::{apalis, direct, dispatcher, keeper, quarantine, redis};

/// Runs the engine until `stop` is ready, then drains it within the grace of the settings.
pub async fn run(engine: Arc<Engine>, stop: impl Future<Output = ()>) {
    let mut services = JoinSet::new();
    if let Err(error) = start(&engine, &mut services) {
        tracing::error!(target: "jobs", error = error.causes(), "the worker cannot start");
        return;
    }
    tracing::info!(target: "jobs", worker = engine.name, "worker takes jobs");
    stop.await;
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
            engine.direct.store(true, std::sync::atomic::Ordering::Relaxed);
            redis::show_mode(true);
        }
        Transport::Redis => {
            redis::show_mode(false);
            services
                .spawn(redis::watch(Arc::clone(engine), redis::connect(&settings.redis, false)?));
            services
                .spawn(redis::prune(Arc::clone(engine), redis::connect(&settings.redis, false)?));
            for lane in &engine.lanes {
                let pusher = redis::Pusher::new(&settings.redis, lane.queue)?;
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

/// Takes nothing new, waits for what runs, and hands back what does not finish in time: that attempt does not count.
async fn drain(engine: &Engine) {
    tracing::info!(target: "jobs", worker = engine.name, "worker drains");
    engine.draining.cancel();
    engine.tasks.close();
    let grace = engine.app.settings.jobs.shutdown_grace;
    let finished = tokio::time::timeout(grace, engine.tasks.wait()).await.is_ok();
    let left = async {
        let conn = &mut engine.app.db.read().await?;
        if !finished {
            for job in engine.running.jobs() {
                tracing::warn!(target: "jobs", id = job.id, kind = job.kind, "handed back at shutdown");
                jobs::hand_back(conn, &job).await?;
            }
        }
        jobs::retire(conn, &engine.name).await
    };
    if let Err(error) = left.await {
        tracing::warn!(target: "jobs", error = error.causes(), "could not say goodbye; the leases will");
    }
    tracing::info!(target: "jobs", worker = engine.name, finished, "worker stopped");
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
