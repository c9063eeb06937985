//! Another mail with a proof.

use chrono::{DateTime, TimeDelta, Utc};

use super::email_token;
use super::fields::canonical_email;
use super::model::User;
use super::placeholder::is_placeholder;
use crate::error::Result;
use crate::ids::UserId;
use crate::{Outcome, Tx};

/// One mail to a person in this time.
const AT_MOST_EVERY: TimeDelta = TimeDelta::seconds(60);

/// Whose proof is wanted.
#[derive(Clone, Debug)]
pub enum Addressee {
    /// The caller's.
    User(UserId),
    /// Somebody who says this is their address.
    Email(String),
}

/// Mails another proof, unless there is nobody to write to, nothing left to prove, or a mail went out a moment ago.
/// The caller is told the same in every case; whoever only says an address has the same statements sent, too.
///
/// # Errors
/// The database's.
pub async fn resend_verification(tx: &mut Tx, addressee: Addressee) -> Result<Outcome> {
    match addressee {
        Addressee::User(id) => resend_to(tx, id).await,
        Addressee::Email(email) => resend_by_address(tx, &canonical_email(&email)).await,
    }
}

async fn resend_to(tx: &mut Tx, id: UserId) -> Result<Outcome> {
    let user = User::lock(tx, id).await?.filter(User::lacks_proof_of_email);
    let Some(user) = user else { return Ok(Outcome::AlreadyDone) };
    if is_too_soon(email_token::last_made(tx, user.id).await?, tx.now()) {
        return Ok(Outcome::AlreadyDone);
    }
    email_token::mail_proof(tx, &user).await?;
    tracing::info!(target: "accounts", user = %user.id, "verification mail asked for again");
    Ok(Outcome::Done)
}

/// An address that nobody has is recorded and limited like any other, and has a job that finds nobody to write to.
async fn resend_by_address(tx: &mut Tx, email: &str) -> Result<Outcome> {
    let print = email_token::print(email);
    tx.one_at_a_time(&format!("verify_email:{print}")).await?;
    let user = User::lock_by_email(tx, email).await?.filter(User::lacks_proof_of_email);
    if is_too_soon(email_token::last_made_for(tx, [email, &print]).await?, tx.now()) {
        return Ok(Outcome::AlreadyDone);
    }
    tracing::info!(target: "accounts", user = ?user.as_ref().map(|user| user.id), "verification mail asked for again");
    match user {
        Some(user) => email_token::mail_proof(tx, &user).await?,
        None => email_token::mail_nobody(tx, print).await?,
    }
    Ok(Outcome::Done)
}

fn is_too_soon(last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    last.is_some_and(|last| now - last < AT_MOST_EVERY)
}

impl User {
    /// Whether they can prove the address that they have, and have not yet. A phone or Telegram that is proved says nothing
    /// about it.
    pub(super) fn lacks_proof_of_email(&self) -> bool {
        self.email_verified_at.is_none() && self.may_sign_in() && !is_placeholder(&self.email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::a_user;

    #[test]
    fn a_proof_is_mailed_once_a_minute_to_people_who_still_need_it() {
        let now = DateTime::UNIX_EPOCH;
        assert!(!is_too_soon(None, now) && !is_too_soon(Some(now - AT_MOST_EVERY), now));
        assert!(is_too_soon(Some(now - TimeDelta::seconds(59)), now));
        let user = a_user("ali@mail.uz");
        let by_phone = User { is_verified: true, ..user.clone() };
        assert!(user.lacks_proof_of_email() && by_phone.lacks_proof_of_email());
        for other in [
            User { email_verified_at: Some(now), ..by_phone },
            User { is_active: false, ..user.clone() },
            User { deleted_at: Some(now), ..user },
            a_user("tg_42@telegram.wibestore.local"),
        ] {
            assert!(!other.lacks_proof_of_email(), "{}", other.email);
        }
    }
}
