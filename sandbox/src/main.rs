//! The payments sandbox as a program: `cargo xtask up` starts it.

use std::process::ExitCode;

use sandbox::{Sandbox, Settings};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("sandbox: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let sandbox = Sandbox::start(Settings::from_env()?).await.map_err(|error| error.to_string())?;
    println!("the providers' side of every payment: {}", sandbox.url());
    sandbox.serve_until_told().await.map_err(|error| error.to_string())
}
