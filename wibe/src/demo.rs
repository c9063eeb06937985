//! `wibe seed-demo`.

use std::process::ExitCode;

use shared::App;
use shared::settings::Secret;
use shared::testing::{DemoPeople, DemoPerson, seed_demo};

use crate::{Failure, variables};

/// The staff's number when `ADMIN_PHONE_NUMBERS` names none: the one the UI's admin panel is built with.
const STAFF_PHONE_NUMBER: &str = "+998901112233";

pub(crate) async fn seed(app: &App) -> Result<ExitCode, Failure> {
    let numbers = variables::get("ADMIN_PHONE_NUMBERS").unwrap_or_default();
    let first = numbers.split(',').map(str::trim).find(|number| !number.is_empty());
    let people = DemoPeople {
        staff: person("STAFF")?,
        staff_phone_number: first.unwrap_or(STAFF_PHONE_NUMBER).to_owned(),
        seller: person("SELLER")?,
        buyer: person("BUYER")?,
    };
    seed_demo(app, &people).await?;
    println!("the demo's people and listings are there");
    Ok(ExitCode::SUCCESS)
}

fn person(who: &str) -> Result<DemoPerson, Failure> {
    let email = variables::required(&format!("DEMO_{who}_EMAIL"))?;
    let password = Secret::new(variables::required(&format!("DEMO_{who}_PASSWORD"))?);
    Ok(DemoPerson { email, password })
}
