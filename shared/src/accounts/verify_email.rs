//! Proving an address with the mailed token.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::email_change;
use super::email_token::{self, EmailToken, Proof, VERIFY_EMAIL};
use super::jobs::SendWelcomeEmail;
use super::model::User;
use crate::audit::{self, Actor};
use crate::error::{Error, Result};
use crate::language::Text;
use crate::schema::email_tokens;
use crate::{App, Outcome, Tx, jobs};

const REFUSED: Text = Text::new(
    "Havola yaroqsiz yoki muddati o'tgan. Yangi xat so'rang.",
    "Ссылка недействительна или устарела. Запросите новое письмо.",
    "The link is not valid or too old. Please ask for a new mail.",
);

/// Verifies the person whom the token was mailed to, and has them welcomed; or gives a person the new address that the token
/// proves. The same token again finds it done.
///
/// # Errors
/// `VALIDATION_ERROR` on `token` when it is not ours, older than a day, used, or of an address they no longer have;
/// `ALREADY_EXISTS` when the new address became somebody else's.
pub async fn verify_email(tx: &mut Tx, app: &App, token: &str) -> Result<Outcome> {
    let refused = || Error::field("token", REFUSED);
    if let Some(change) = email_change::read_token(app, token.trim()) {
        return email_change::confirm(tx, change).await?.ok_or_else(refused);
    }
    let id = app.tokens.read_mailed(VERIFY_EMAIL, token.trim()).ok_or_else(refused)?;
    let token = EmailToken::lock(tx, id).await?.ok_or_else(refused)?;
    let owner = token.user_id.ok_or_else(refused)?;
    let mut user = User::lock(tx, owner).await?.ok_or_else(refused)?;
    let now = tx.now();
    match token.judge(&user, now) {
        Proof::Nothing => return Err(refused()),
        Proof::Proved => return Ok(Outcome::AlreadyDone),
        Proof::Proves => {}
    }
    diesel::update(email_tokens::table.find(token.id))
        .set(email_tokens::used_at.eq(now))
        .execute(tx.conn())
        .await?;
    email_token::note_proof(tx, &mut user).await?;
    audit::record(
        tx,
        Actor::User(user.id),
        "auth.email_verified",
        ("user", user.id.to_string()),
        json!({"token": token.id}),
    )
    .await?;
    jobs::enqueue(tx, &SendWelcomeEmail { user_id: user.id }).await?;
    tracing::info!(target: "accounts", user = %user.id, "e-mail verified");
    Ok(Outcome::Done)
}
