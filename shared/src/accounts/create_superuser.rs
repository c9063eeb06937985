//! The first member of staff, made by an operator.

use serde_json::json;

use super::model::User;
use super::register::{Registration, insert};
use crate::Tx;
use crate::audit::{self, Actor};
use crate::error::Result;

/// Registers a person who may do everything. Their address and their number count as proved: an operator vouches for them.
///
/// # Errors
/// `ALREADY_EXISTS` when the e-mail, the username or the phone number is taken.
pub async fn create_superuser(tx: &mut Tx, registration: Registration) -> Result<User> {
    let mut user = registration.into_user(tx.now());
    user.is_staff = true;
    user.is_superuser = true;
    user.is_verified = true;
    user.phone_verified_at = user.phone_number.is_some().then_some(tx.now());
    insert(tx, &user).await?;
    audit::record(
        tx,
        Actor::System,
        "user.superuser_created",
        ("user", user.id.to_string()),
        json!({}),
    )
    .await?;
    tracing::info!(target: "accounts", user = %user.id, "superuser created");
    Ok(user)
}
