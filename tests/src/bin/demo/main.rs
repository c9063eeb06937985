//! One real sale, told step by step against a running platform: `cargo xtask demo`.
//!
//! Exit status 0 only if every cent is where it belongs.

mod ledger;
mod steps;
mod teller;

use std::process::ExitCode;

use teller::Platform;

#[tokio::main]
async fn main() -> ExitCode {
    let platform = match Platform::from_env() {
        Ok(platform) => platform,
        Err(problem) => {
            eprintln!("demo: {problem}");
            return ExitCode::FAILURE;
        }
    };
    match steps::sale(&platform).await {
        Ok(()) => {
            println!("\nEvery cent is where it belongs.");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("\nThe sale did not end well: {problem}");
            ExitCode::FAILURE
        }
    }
}
