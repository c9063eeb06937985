//! A new person who proved a phone and has neither an address nor a password.

use serde_json::json;

use super::model::OneTimeCode;
use crate::Tx;
use crate::accounts::register::{Registration, insert};
use crate::accounts::sign_in::Means;
use crate::accounts::{User, placeholder};
use crate::audit::{self, Actor};
use crate::error::Result;

/// Registers whoever proved the phone of a code that was right. Nobody else holds its number.
pub(super) async fn register_newcomer(
    tx: &mut Tx,
    code: &OneTimeCode,
    means: Means,
) -> Result<User> {
    let blank = Registration {
        email: String::new(),
        full_name: code.full_name.clone(),
        username: None,
        phone_number: Some(code.phone_number.clone()),
        language: code.language,
        password_hash: String::new(),
    };
    let mut user = blank.into_user(tx.now());
    user.email = match code.telegram_id {
        Some(telegram_id) => placeholder::of_telegram(telegram_id),
        None => placeholder::of_phone(user.id),
    };
    user.password_hash = None;
    user.is_verified = true;
    user.phone_verified_at = Some(tx.now());
    user.telegram_id = code.telegram_id;
    user.telegram_username.clone_from(&code.telegram_username);
    if user.full_name.is_empty() {
        user.full_name = nameless(&user);
    }
    insert(tx, &user).await?;
    let object = ("user", user.id.to_string());
    let details = json!({ "means": means.as_str(), "code": code.id });
    audit::record(tx, Actor::User(user.id), "auth.registered", object, details).await?;
    tracing::info!(target: "accounts", user = %user.id, means = means.as_str(), "registered");
    Ok(user)
}

/// What others see of a person who gave no name: neither their number nor their id with Telegram.
fn nameless(user: &User) -> String {
    let id = user.id.0.simple().to_string();
    let end: String = id.chars().skip(id.len().saturating_sub(6)).collect();
    format!("user_{end}")
}
