//! `wibe ledger-check`.

use std::process::ExitCode;

use shared::{App, ledger};

use crate::Failure;

pub(crate) async fn check(app: &App) -> Result<ExitCode, Failure> {
    let violations = ledger::check(&app.db).await?;
    if violations.is_empty() {
        println!("the books agree");
        return Ok(ExitCode::SUCCESS);
    }
    let widest = violations.iter().map(|found| found.invariant.len()).max().unwrap_or_default();
    println!("{:<widest$}  {:>8}  not true that …", "invariant", "rows");
    for found in &violations {
        println!(
            "{:<widest$}  {:>8}  {} (such as {})",
            found.invariant,
            found.rows,
            found.promise,
            found.sample()
        );
    }
    Ok(ExitCode::FAILURE)
}
