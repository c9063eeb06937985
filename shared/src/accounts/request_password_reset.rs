//! Asking for a link to choose a new password.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::fields::canonical_email;
use super::jobs::SendPasswordResetEmail;
use super::model::User;
use super::password_reset::{ResetRow, VALID_FOR, print};
use super::placeholder::is_placeholder;
use crate::error::Result;
use crate::ids::EmailTokenId;
use crate::schema::password_resets;
use crate::{Outcome, Tx, jobs};

/// One link to an address in this time.
const AT_MOST_EVERY: TimeDelta = TimeDelta::seconds(60);
/// Links to an address in an hour.
const AN_HOUR_AT_MOST: i64 = 5;

/// Has a link mailed, unless nobody has this address, or links went out to it a moment ago. The caller is told the same in
/// every case, and the same statements are sent: an address that nobody has is recorded and limited like any other, and
/// has a job that finds nobody to write to. So has one that its account only typed, if that has proved something else: see
/// [`super::typed_address`].
///
/// # Errors
/// The database's.
pub async fn request_password_reset(tx: &mut Tx, email: &str) -> Result<Outcome> {
    let email = canonical_email(email);
    let (address, now) = (print(&email), tx.now());
    tx.one_at_a_time(&format!("password_reset:{}", hex(&address))).await?;
    let user = User::lock_by_email(tx, &email)
        .await?
        .filter(|user| user.may_sign_in() && !is_placeholder(&user.email));
    let hour = password_resets::created_at.gt(now - TimeDelta::hours(1));
    let (links, last): (i64, Option<DateTime<Utc>>) = password_resets::table
        .filter(password_resets::address.eq(&address).and(hour))
        .select((diesel::dsl::count_star(), max(password_resets::created_at)))
        .first(tx.conn())
        .await?;
    if links >= AN_HOUR_AT_MOST || last.is_some_and(|last| now - last < AT_MOST_EVERY) {
        return Ok(Outcome::AlreadyDone);
    }
    let row = ResetRow {
        id: EmailTokenId::new(),
        user_id: user.as_ref().map(|user| user.id),
        address,
        created_at: now,
        expires_at: now + VALID_FOR,
        ended_at: None,
    };
    diesel::insert_into(password_resets::table).values(&row).execute(tx.conn()).await?;
    jobs::enqueue(tx, &SendPasswordResetEmail { password_reset_id: row.id }).await?;
    tracing::info!(target: "accounts", user = ?row.user_id, "password reset asked for");
    Ok(Outcome::Done)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
