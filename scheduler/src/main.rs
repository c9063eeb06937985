//! The scheduler process.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use scheduler::Ticker;
use shared::settings::Settings;
use shared::{App, Outcome, startup, telemetry};
use tokio::signal::unix::{SignalKind, signal};

/// Turns time into jobs. Settings come from the environment.
#[derive(Parser)]
#[command(name = "scheduler", version)]
struct Cli {
    /// Fires one scheduled kind now and ends; a run that still waits counts as fired.
    #[arg(long, value_name = "KIND")]
    once: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match start(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => startup::refuse("scheduler", &problem),
    }
}

async fn start(cli: Cli) -> Result<(), String> {
    let settings = Settings::from_env().map_err(|error| error.to_string())?;
    let _telemetry = telemetry::start("scheduler", &settings)?;
    run(settings, cli.once).await.inspect_err(|problem| startup::report(problem))
}

async fn run(settings: Settings, fire: Option<String>) -> Result<(), String> {
    let app = Arc::new(App::new(settings).map_err(|error| error.causes())?);
    startup::check(&app).await.map_err(|error| error.causes())?;
    if let Some(kind) = fire {
        return once(Ticker::new(app), &kind).await;
    }
    let address = app.settings.http.scheduler_metrics;
    telemetry::internal::serve_internal(address, Arc::clone(&app), Arc::new(|| true))
        .await
        .map_err(|error| error.causes())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    tracing::info!(target: "jobs", scheduler = app.settings.jobs.scheduler_name, "scheduler ticks");
    tokio::select! {
        () = scheduler::run(Ticker::new(app)) => {}
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!(target: "jobs", "scheduler stopped");
    Ok(())
}

/// Fires one schedule by hand and says what came of it.
async fn once(ticker: Ticker, kind: &str) -> Result<(), String> {
    match ticker.fire_now(kind).await.map_err(|error| error.causes())? {
        Some(Outcome::Done) => tracing::info!(target: "jobs", kind, "recorded a job"),
        Some(Outcome::AlreadyDone) => {
            tracing::info!(target: "jobs", kind, "a job of this kind is waiting or running already");
        }
        None => {
            let kinds = ticker.kinds().join(", ");
            return Err(format!("{kind} is not scheduled; these are: {kinds}"));
        }
    }
    Ok(())
}
