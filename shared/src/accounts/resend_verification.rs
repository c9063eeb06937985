//! Another mail with a proof.

use chrono::{DateTime, TimeDelta, Utc};

use super::email_token;
use super::fields::canonical_email;
use super::model::User;
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
/// The caller is told the same in every case.
///
/// # Errors
/// The database's.
pub async fn resend_verification(tx: &mut Tx, addressee: Addressee) -> Result<Outcome> {
    let user = match addressee {
        Addressee::User(id) => User::lock(tx, id).await?,
        Addressee::Email(email) => User::lock_by_email(tx, &canonical_email(&email)).await?,
    };
    let Some(user) = user else {
        return Ok(Outcome::AlreadyDone);
    };
    let last = email_token::last_made(tx, user.id).await?;
    if !user.wants_proof(last, tx.now()) {
        return Ok(Outcome::AlreadyDone);
    }
    email_token::mail_proof(tx, &user).await?;
    tracing::info!(target: "accounts", user = %user.id, "verification mail asked for again");
    Ok(Outcome::Done)
}

impl User {
    /// Whether a proof should be mailed now.
    fn wants_proof(&self, last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        !self.is_verified
            && self.may_sign_in()
            && last.is_none_or(|last| now - last >= AT_MOST_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::a_user;

    #[test]
    fn a_proof_is_mailed_once_a_minute_to_people_who_still_need_it() {
        let now = DateTime::UNIX_EPOCH;
        let user = a_user("ali@mail.uz");
        assert!(user.wants_proof(None, now));
        assert!(user.wants_proof(Some(now - TimeDelta::seconds(60)), now));
        assert!(!user.wants_proof(Some(now - TimeDelta::seconds(59)), now));
        assert!(!User { is_verified: true, ..user.clone() }.wants_proof(None, now));
        assert!(!User { is_active: false, ..user }.wants_proof(None, now));
    }
}
