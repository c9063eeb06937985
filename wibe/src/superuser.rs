//! `wibe create-superuser`.

use std::process::ExitCode;

use clap::Args;
use shared::App;
use shared::accounts::{self, Known, Registration, RegistrationForm};
use shared::language::Language;

use crate::jobs::actor;
use crate::{Failure, password};

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
    /// Makes the password up and shows it, this once.
    #[arg(long)]
    generate_password: bool,
}

pub(crate) async fn create(app: &App, person: Person) -> Result<ExitCode, Failure> {
    let email = person.email.clone();
    if let Some(known) = accounts::find_known(&mut *app.db.read().await?, &email).await? {
        return found(&email, known);
    }
    let made = person.generate_password.then(accounts::random_password);
    let password = made.clone().map_or_else(password::read, Ok)?;
    let form = RegistrationForm {
        email: person.email,
        password,
        full_name: person.full_name,
        username: None,
        phone_number: person.phone_number,
        language: person.language,
    };
    let registration = Registration::prepare(&app.passwords, form).await?;
    let user = app
        .db
        .transaction(async |tx| accounts::create_superuser(tx, actor(), registration).await)
        .await?;
    println!("{} may do everything ({})", user.email, user.id);
    if let Some(password) = made {
        println!("password: {password}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The answer about somebody who is there: their password stays what it is.
fn found(email: &str, known: Known) -> Result<ExitCode, Failure> {
    if !known.is_superuser {
        return Err(Failure(format!(
            "{email} has an account already; to let them do everything: wibe grant-role {email} superuser"
        )));
    }
    println!("{email} may do everything already ({})", known.id);
    Ok(ExitCode::SUCCESS)
}

fn language(text: &str) -> Result<Language, String> {
    Language::parse(text).ok_or_else(|| "must be uz, ru or en".to_owned())
}
