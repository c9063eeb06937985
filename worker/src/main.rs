//! The worker process.

use std::process::ExitCode;
use std::sync::Arc;

use shared::settings::Settings;
use shared::{App, startup, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => startup::refuse("worker", &problem),
    }
}

async fn start() -> Result<(), String> {
    let settings = Settings::from_env().map_err(|error| error.to_string())?;
    telemetry::init_logging(&settings.log);
    let app = Arc::new(App::new(settings).map_err(|error| error.causes())?);
    startup::check(&app).await.map_err(|error| error.causes())?;
    let engine = worker::Engine::new(Arc::clone(&app)).map_err(|error| error.causes())?;
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
