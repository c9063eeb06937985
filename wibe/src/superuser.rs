//! `wibe create-superuser`.

use std::process::ExitCode;

use clap::Args;
use shared::App;
use shared::accounts::{self, Registration, RegistrationForm};
use shared::language::Language;

use crate::{Failure, variables};

/// The variable with the password.
const PASSWORD: &str = "WIBE_PASSWORD";

#[derive(Args)]
pub(crate) struct Person {
    /// Where they are written to, and how they sign in.
    #[arg(long)]
    email: String,
    /// The name others see.
    #[arg(long)]
    full_name: Option<String>,
    /// One of `ADMIN_PHONE_NUMBERS`, for the UI's admin panel.
    #[arg(long)]
    phone_number: Option<String>,
    /// What they read: uz, ru or en.
    #[arg(long, default_value = "uz", value_parser = language)]
    language: Language,
}

pub(crate) async fn create(app: &App, person: Person) -> Result<ExitCode, Failure> {
    let form = RegistrationForm {
        email: person.email,
        password: password()?,
        full_name: person.full_name,
        username: None,
        phone_number: person.phone_number,
        language: person.language,
    };
    let registration = Registration::prepare(&app.passwords, form).await?;
    let user =
        app.db.transaction(async |tx| accounts::create_superuser(tx, registration).await).await?;
    println!("{} may do everything ({})", user.email, user.id);
    Ok(ExitCode::SUCCESS)
}

fn language(text: &str) -> Result<Language, String> {
    Language::parse(text).ok_or_else(|| "must be uz, ru or en".to_owned())
}

/// The password, from the environment or from the first line of standard input: an argument is seen by every process.
fn password() -> Result<String, Failure> {
    if let Some(password) = variables::get(PASSWORD) {
        return Ok(password);
    }
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure(format!("cannot read the password: {error}")))?;
    let password = line.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(Failure(format!(
            "the password comes in {PASSWORD} or on standard input, and there is none"
        )));
    }
    Ok(password.to_owned())
}
