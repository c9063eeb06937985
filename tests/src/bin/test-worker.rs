//! The real worker with the kinds of `tests::kinds` beside the platform's: for tests that kill it. It can strike itself
//! at a named point (`TEST_FAULT`) and be of another release (`TEST_RELEASE=1`).

use std::sync::Arc;

use shared::settings::Settings;
use shared::{App, startup, telemetry};
use tests::kinds;

#[tokio::main]
async fn main() {
    let settings = Settings::from_env().expect("settings").for_worker();
    let _telemetry = telemetry::start("worker", &settings).expect("a log");
    let app = Arc::new(App::new(settings).expect("an app"));
    startup::check(&app).await.expect("a database of this version");
    let registry = match std::env::var("TEST_RELEASE").as_deref() {
        Ok("1") => kinds::registry_of_release_1(),
        _ => kinds::registry(),
    };
    let engine = worker::Engine::with_probe(Arc::clone(&app), registry, tests::probe);
    let ready = {
        let engine = Arc::clone(&engine);
        Arc::new(move || engine.is_ready())
    };
    telemetry::internal::serve_internal(app.settings.http.worker_metrics, Arc::clone(&app), ready)
        .await
        .expect("a free port");
    worker::run(engine, worker::until_signal()).await;
}
