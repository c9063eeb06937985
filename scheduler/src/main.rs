//! The scheduler process.

use std::process::ExitCode;
use std::sync::Arc;

use shared::settings::Settings;
use shared::{App, startup, telemetry};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => startup::refuse("scheduler", &problem),
    }
}

async fn start() -> Result<(), String> {
    let settings = Settings::from_env().map_err(|error| error.to_string())?;
    telemetry::init_logging(&settings.log);
    let app = Arc::new(App::new(settings).map_err(|error| error.causes())?);
    startup::check(&app).await.map_err(|error| error.causes())?;
    let address = app.settings.http.scheduler_metrics;
    telemetry::internal::serve_internal(address, Arc::clone(&app), Arc::new(|| true))
        .await
        .map_err(|error| error.causes())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    tracing::info!(target: "jobs", scheduler = app.settings.jobs.scheduler_name, "scheduler ticks");
    tokio::select! {
        () = scheduler::run(scheduler::Ticker::new(app)) => {}
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!(target: "jobs", "scheduler stopped");
    Ok(())
}
