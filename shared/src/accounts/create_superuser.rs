//! The first member of staff, made by an operator.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::model::User;
use super::register::{Registration, insert};
use crate::Tx;
use crate::audit::{self, Actor};
use crate::error::Result;
use crate::schema::users;

/// Registers a person who may do everything. Their address counts as proved: an operator vouches for it.
///
/// # Errors
/// `ALREADY_EXISTS` when the e-mail, the username or the phone number is taken.
pub async fn create_superuser(tx: &mut Tx, registration: Registration) -> Result<User> {
    let mut user = registration.into_user(tx.now());
    user.is_staff = true;
    user.is_superuser = true;
    user.is_verified = true;
    insert(tx, &user).await?;
    let now = tx.now();
    diesel::update(users::table.find(user.id))
        .set(users::email_verified_at.eq(now))
        .execute(tx.conn())
        .await?;
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
