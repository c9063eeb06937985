//! `wibe grant-role` and `wibe revoke-role`.

use std::process::ExitCode;

use clap::Args;
use shared::accounts::{self, Role, Turn};
use shared::{App, Code, Outcome};

use crate::Failure;
use crate::jobs::actor;

#[derive(Args)]
pub(crate) struct Change {
    /// The address of the person.
    email: String,
    /// moderator (listings, disputes, reports), finance (people's money) or superuser (everything).
    #[arg(value_parser = role)]
    role: Role,
}

pub(crate) async fn change(app: &App, change: Change, turn: Turn) -> Result<ExitCode, Failure> {
    let Change { email, role } = change;
    let known = accounts::find_known(&mut *app.db.read().await?, &email).await?;
    let known = known.ok_or_else(|| Failure(format!("nobody has the address {email}")))?;
    let changed = app
        .db
        .transaction(async |tx| accounts::change_role(tx, actor(), known.id, role, turn).await)
        .await;
    let (roles, outcome) = changed.map_err(|error| refusal(&email, &error))?;
    let already = if outcome == Outcome::AlreadyDone { " already" } else { "" };
    let names: Vec<&str> = roles.given().into_iter().map(Role::as_str).collect();
    let has = if names.is_empty() { "no role".to_owned() } else { names.join(", ") };
    println!("{email} has {has}{already}");
    Ok(ExitCode::SUCCESS)
}

/// What stands in the way, in words.
fn refusal(email: &str, error: &shared::Error) -> Failure {
    if error.code() != Code::InvalidState {
        return Failure(error.causes());
    }
    let details = error.details(shared::language::Language::En);
    let status = details.get("status").and_then(serde_json::Value::as_str).unwrap_or_default();
    Failure(match status {
        "banned" => format!("{email} is banned: roles are for people who can sign in"),
        "unverified" => format!("{email} has proved no address yet"),
        "last_superuser" => format!("{email} is the last superuser: make another one first"),
        _ => error.causes(),
    })
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "must be moderator, finance or superuser".to_owned())
}
