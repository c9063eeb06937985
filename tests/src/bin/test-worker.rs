//! The real worker with the kinds of `tests::kinds` beside the platform's: for tests that kill it.

use std::sync::Arc;

use shared::App;
use shared::settings::Settings;

#[tokio::main]
async fn main() {
    let settings = Settings::from_env().expect("settings");
    shared::telemetry::init_logging(&settings.log);
    let app = Arc::new(App::new(settings).expect("an app"));
    let engine = worker::Engine::with_registry(app, tests::kinds::registry());
    worker::run(engine, worker::until_signal()).await;
}
