//! The row of a mailed proof: whoever holds the token reads the mail of the address.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use sha2::{Digest as _, Sha256};

use super::jobs::SendEmailVerification;
use super::model::User;
use crate::error::Result;
use crate::ids::{EmailTokenId, UserId};
use crate::schema::{email_tokens, users};
use crate::{Conn, Tx, jobs};

/// What the token is for: part of its MAC, so that no other token of ours passes for one.
pub(super) const VERIFY_EMAIL: &str = "verify_email";
/// How long a mailed link works.
pub(super) const VALID_FOR: TimeDelta = TimeDelta::hours(24);

/// What a proof is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It proves the address now.
    Proves,
    /// It proved the address before.
    Proved,
    /// It is too old, or of an address the person no longer has.
    Nothing,
}

/// A mailed proof of an address.
#[derive(Clone, Debug, HasQuery, Insertable)]
#[diesel(table_name = email_tokens, treat_none_as_default_value = false)]
pub(super) struct EmailToken {
    pub(super) id: EmailTokenId,
    /// None when nobody has the address: then there is nothing to prove, and [`print`] stands for it.
    pub(super) user_id: Option<UserId>,
    pub(super) purpose: String,
    pub(super) email: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) used_at: Option<DateTime<Utc>>,
}

impl EmailToken {
    /// What the proof is worth for the person it was mailed to.
    pub(super) fn judge(&self, user: &User, now: DateTime<Utc>) -> Proof {
        if now >= self.expires_at || user.deleted_at.is_some() || user.email != self.email {
            Proof::Nothing
        } else if self.used_at.is_none() {
            Proof::Proves
        } else if user.email_verified_at.is_some() {
            Proof::Proved
        } else {
            Proof::Nothing
        }
    }

    /// The proof and the person it was mailed to.
    pub(super) async fn find(conn: &mut Conn, id: EmailTokenId) -> Result<Option<(Self, User)>> {
        let row = email_tokens::table
            .inner_join(users::table)
            .filter(email_tokens::id.eq(id))
            .filter(email_tokens::purpose.eq(VERIFY_EMAIL))
            .select((Self::as_select(), User::as_select()))
            .first(conn)
            .await
            .optional()?;
        Ok(row)
    }

    /// Locks a proof.
    pub(super) async fn lock(tx: &mut Tx, id: EmailTokenId) -> Result<Option<Self>> {
        let row = Self::query()
            .filter(email_tokens::id.eq(id))
            .filter(email_tokens::purpose.eq(VERIFY_EMAIL))
            .for_no_key_update()
            .first(tx.conn())
            .await
            .optional()?;
        Ok(row)
    }
}

/// What stands for an address that nobody has, or that has nothing left to prove.
pub(super) fn print(email: &str) -> String {
    let print = Sha256::new().chain_update(b"verify_email\0").chain_update(email).finalize();
    print.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a proof for the person's address and has it mailed.
pub(super) async fn mail_proof(tx: &mut Tx, user: &User) -> Result<()> {
    store(tx, Some(user.id), user.email.clone()).await
}

/// Does for the print of an address what [`mail_proof`] does for a person's, but for the letter: nothing tells them apart.
pub(super) async fn mail_nobody(tx: &mut Tx, print: String) -> Result<()> {
    store(tx, None, print).await
}

async fn store(tx: &mut Tx, user_id: Option<UserId>, email: String) -> Result<()> {
    let token = EmailToken {
        id: EmailTokenId::new(),
        user_id,
        purpose: VERIFY_EMAIL.to_owned(),
        email,
        created_at: tx.now(),
        expires_at: tx.now() + VALID_FOR,
        used_at: None,
    };
    diesel::insert_into(email_tokens::table).values(&token).execute(tx.conn()).await?;
    jobs::enqueue(tx, &SendEmailVerification { user_id, email_token_id: token.id }).await?;
    Ok(())
}

/// Records that the address of a person, whose row is locked, is theirs: a mail of ours or Google says so.
pub(super) async fn note_proof(tx: &mut Tx, user: &mut User) -> Result<()> {
    user.note_email_proof(tx.now());
    diesel::update(users::table.find(user.id))
        .set((
            users::is_verified.eq(user.is_verified),
            users::email_verified_at.eq(user.email_verified_at),
            users::updated_at.eq(user.updated_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

impl User {
    /// The address that they have is theirs, known since now.
    pub(super) fn note_email_proof(&mut self, now: DateTime<Utc>) {
        self.is_verified = true;
        self.email_verified_at = Some(now);
        self.updated_at = now;
    }
}

/// When the last proof was made for a person.
pub(super) async fn last_made(conn: &mut Conn, user: UserId) -> Result<Option<DateTime<Utc>>> {
    let at = email_tokens::table
        .filter(email_tokens::user_id.eq(user))
        .filter(email_tokens::purpose.eq(VERIFY_EMAIL))
        .select(diesel::dsl::max(email_tokens::created_at))
        .first(conn)
        .await?;
    Ok(at)
}

/// When the last proof was made for an address, or for the [`print`] of it.
pub(super) async fn last_made_for(
    conn: &mut Conn,
    address_or_print: [&str; 2],
) -> Result<Option<DateTime<Utc>>> {
    let at = email_tokens::table
        .filter(email_tokens::email.eq_any(address_or_print))
        .filter(email_tokens::purpose.eq(VERIFY_EMAIL))
        .select(diesel::dsl::max(email_tokens::created_at))
        .first(conn)
        .await?;
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::a_user;

    #[test]
    fn a_proof_works_once_for_a_day_for_the_address_it_was_mailed_to() {
        let made = DateTime::UNIX_EPOCH;
        let user = a_user("ali@mail.uz");
        let token = EmailToken {
            id: EmailTokenId::new(),
            user_id: Some(user.id),
            purpose: VERIFY_EMAIL.to_owned(),
            email: user.email.clone(),
            created_at: made,
            expires_at: made + VALID_FOR,
            used_at: None,
        };
        let soon = made + TimeDelta::hours(1);
        let used = EmailToken { used_at: Some(made), ..token.clone() };
        let by_phone = User { is_verified: true, ..user.clone() };
        let verified = User { email_verified_at: Some(made), ..by_phone.clone() };
        assert_eq!(token.judge(&user, soon), Proof::Proves);
        assert_eq!(token.judge(&user, made + VALID_FOR), Proof::Nothing);
        assert_eq!(used.judge(&verified, soon), Proof::Proved);
        assert_eq!(used.judge(&user, soon), Proof::Nothing);
        assert_eq!(used.judge(&by_phone, soon), Proof::Nothing, "a phone proves no address");
        assert_eq!(used.judge(&verified, made + VALID_FOR), Proof::Nothing);
        assert_eq!(
            token.judge(&User { email: "new@mail.uz".to_owned(), ..user.clone() }, soon),
            Proof::Nothing
        );
        assert_eq!(token.judge(&User { deleted_at: Some(made), ..user }, soon), Proof::Nothing);
    }
}
