//! The worker process.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use shared::jobs::Queue;
use shared::settings::Settings;
use shared::{App, startup, telemetry};

/// Runs jobs. Settings come from the environment.
#[derive(Parser)]
#[command(name = "worker", version)]
struct Cli {
    /// Only these queues, such as money,mail. Default: `WORKER_QUEUES`, or all.
    #[arg(long, value_delimiter = ',', value_parser = queue)]
    queues: Vec<Queue>,
}

fn queue(name: &str) -> Result<Queue, String> {
    Queue::parse(name).ok_or_else(|| {
        let names: Vec<_> = Queue::ALL.iter().map(|queue| queue.as_str()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

#[tokio::main]
async fn main() -> ExitCode {
    match start(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => startup::refuse("worker", &problem),
    }
}

async fn start(cli: Cli) -> Result<(), String> {
    let mut settings = Settings::from_env().map_err(|error| error.to_string())?.for_worker();
    if !cli.queues.is_empty() {
        settings.jobs.queues = cli.queues;
    }
    let _telemetry = telemetry::start("worker", &settings)?;
    run(settings).await.inspect_err(|problem| startup::report(problem))
}

async fn run(settings: Settings) -> Result<(), String> {
    let app = Arc::new(App::new(settings).map_err(|error| error.causes())?);
    startup::check(&app).await.map_err(|error| error.causes())?;
    let engine = worker::Engine::new(Arc::clone(&app));
    let ready = {
        let engine = Arc::clone(&engine);
        Arc::new(move || engine.is_ready())
    };
    telemetry::internal::serve_internal(app.settings.http.worker_metrics, Arc::clone(&app), ready)
        .await
        .map_err(|error| error.causes())?;
    worker::run(engine, worker::until_signal()).await;
    Ok(())
}
