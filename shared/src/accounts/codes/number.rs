//! Who has a number: whoever proved it. Who only typed it gives it up.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::texts::PROVE_FIRST;
use crate::accounts::User;
use crate::accounts::jobs::{News, SendAccountNotice};
use crate::accounts::register::or_taken;
use crate::audit::{self, Actor};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::schema::users;
use crate::{Tx, jobs};

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

/// A person who proves a number, and who else has it. Both rows are locked.
pub(super) struct Claim {
    pub(super) person: Option<User>,
    pub(super) holder: Option<User>,
}

/// Locks a person and whoever else has a number, in the order of their ids: two people who prove each other's typed numbers
/// wait for each other, and neither for ever.
pub(super) async fn lock_claim(tx: &mut Tx, person: UserId, number: &str) -> Result<Claim> {
    let has_it = users::phone_number.eq(number).and(users::deleted_at.is_null());
    let holder: Option<UserId> =
        users::table.filter(has_it).select(users::id).first(tx.conn()).await.optional()?;
    let mut ids = vec![person];
    ids.extend(holder);
    let people = User::lock_all(tx, ids).await?;
    let has_it =
        |user: &User| user.deleted_at.is_none() && user.phone_number.as_deref() == Some(number);
    let (claimants, others): (Vec<_>, Vec<_>) =
        people.into_iter().partition(|user| user.id == person);
    Ok(Claim { person: claimants.into_iter().next(), holder: others.into_iter().find(has_it) })
}

/// Gives a person a number that they have just proved, and takes it from whoever only typed it. Nothing when somebody
/// else proved it before. Both rows are locked.
pub(super) async fn prove(
    tx: &mut Tx,
    user: &User,
    holder: Option<&User>,
    number: &str,
) -> Result<Option<User>> {
    match holder {
        Some(holder) if holder.phone_verified_at.is_some() => return Ok(None),
        Some(holder) => release(tx, holder).await?,
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
    let proved = or_taken(written)?;
    let another = user.phone_number.as_deref() != Some(number);
    if another {
        // It signs them in from now on, whoever asked for it.
        let (user_id, at) = (user.id, now);
        let news = News::PhoneChanged;
        jobs::enqueue(tx, &SendAccountNotice { user_id, news, at, email_change_id: None }).await?;
    }
    let object = ("user", user.id.to_string());
    let details = json!({ "another": another });
    audit::record(tx, Actor::User(user.id), "user.phone_proved", object, details).await?;
    tracing::info!(target: "accounts", user = %user.id, another, "phone proved");
    Ok(Some(proved))
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
