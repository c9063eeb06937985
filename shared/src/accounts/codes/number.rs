//! Who has a number: whoever proved it. Who only typed it gives it up.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::texts::PROVE_FIRST;
use crate::Tx;
use crate::accounts::User;
use crate::accounts::register::or_taken;
use crate::audit::{self, Actor};
use crate::error::{Error, Result};
use crate::schema::users;

/// The person who proved this number before. Somebody who only typed it loses it: the caller has just proved it.
pub(super) async fn proven_holder(tx: &mut Tx, number: &str) -> Result<Option<User>> {
    let Some(holder) = User::lock_by_phone(tx, number).await? else { return Ok(None) };
    if holder.phone_verified_at.is_some() {
        return Ok(Some(holder));
    }
    release(tx, &holder).await?;
    Ok(None)
}

/// Takes a number from an account that never proved it.
async fn release(tx: &mut Tx, holder: &User) -> Result<()> {
    let now = tx.now();
    diesel::update(users::table.find(holder.id))
        .set((users::phone_number.eq(None::<String>), users::updated_at.eq(now)))
        .execute(tx.conn())
        .await?;
    let object = ("user", holder.id.to_string());
    audit::record(tx, Actor::System, "user.phone_released", object, json!({})).await?;
    tracing::warn!(target: "accounts", user = %holder.id, "somebody else proved the number of this account; it is released");
    Ok(())
}

/// Gives a person a number that they have just proved, and takes it from whoever only typed it. Nothing when somebody
/// else proved it before.
pub(super) async fn prove(tx: &mut Tx, user: &User, number: &str) -> Result<Option<User>> {
    match User::lock_by_phone(tx, number).await? {
        Some(holder) if holder.id == user.id => {}
        Some(holder) if holder.phone_verified_at.is_some() => return Ok(None),
        Some(holder) => release(tx, &holder).await?,
        None => {}
    }
    let now = tx.now();
    let proved = (
        users::phone_number.eq(number),
        users::phone_verified_at.eq(now),
        users::is_verified.eq(true),
        users::updated_at.eq(now),
    );
    let written = diesel::update(users::table.find(user.id))
        .set(proved)
        .returning(User::as_returning())
        .get_result(tx.conn())
        .await;
    let user = or_taken(written)?;
    let object = ("user", user.id.to_string());
    audit::record(tx, Actor::User(user.id), "user.phone_proved", object, json!({})).await?;
    tracing::info!(target: "accounts", user = %user.id, "phone proved");
    Ok(Some(user))
}

/// Whether a person who changes their number to this one can still sign in: a proven number that is the only way in is
/// given up for another proven one alone.
///
/// # Errors
/// `VALIDATION_ERROR` on `phone_number`.
pub(in crate::accounts) fn keeps_a_way_in(user: &User, number: Option<&str>) -> Result<()> {
    let only_way_in = user.phone_verified_at.is_some()
        && user.password_hash.is_none()
        && user.telegram_id.is_none();
    if only_way_in && user.phone_number.as_deref() != number {
        Err(Error::field("phone_number", PROVE_FIRST))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::testing::a_user;

    #[test]
    fn the_only_way_in_is_not_given_up_for_a_number_that_was_typed() {
        let mine = "+998901234567";
        let user = User {
            phone_number: Some(mine.to_owned()),
            phone_verified_at: Some(DateTime::UNIX_EPOCH),
            ..a_user("phone_1@phone.wibestore.local")
        };
        assert!(keeps_a_way_in(&user, Some(mine)).is_ok());
        for other in [None, Some("+998907654321")] {
            assert!(keeps_a_way_in(&user, other).is_err(), "{other:?}");
            let hash = Some("a hash".to_owned());
            assert!(keeps_a_way_in(&User { password_hash: hash, ..user.clone() }, other).is_ok());
            assert!(keeps_a_way_in(&User { telegram_id: Some(1), ..user.clone() }, other).is_ok());
            let typed = User { phone_verified_at: None, ..user.clone() };
            assert!(keeps_a_way_in(&typed, other).is_ok());
        }
    }
}
