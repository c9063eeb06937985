//! The API process.

use std::process::ExitCode;
use std::sync::Arc;

use shared::settings::Settings;
use shared::{App, startup, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => startup::refuse("api", &problem),
    }
}

async fn start() -> Result<(), String> {
    let settings = Settings::from_env().map_err(|error| error.to_string())?;
    let _telemetry = telemetry::start("api", &settings)?;
    run(settings).await.inspect_err(|problem| startup::report(problem))
}

async fn run(settings: Settings) -> Result<(), String> {
    let app = Arc::new(App::new(settings).map_err(|error| error.causes())?);
    startup::check(&app).await.map_err(|error| error.causes())?;

    let http = &app.settings.http;
    let running =
        api::serve(Arc::clone(&app), http.listen).await.map_err(|error| error.to_string())?;
    telemetry::internal::serve_internal(http.api_metrics, Arc::clone(&app), running.readiness())
        .await
        .map_err(|error| error.causes())?;
    api::terminated().await.map_err(|error| error.to_string())?;
    running.stop(app.settings.jobs.shutdown_grace).await.map_err(|error| error.to_string())
}
