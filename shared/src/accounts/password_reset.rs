//! The row of a mailed link to choose a new password.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use sha2::{Digest as _, Sha256};

use super::model::User;
use crate::error::Result;
use crate::ids::{EmailTokenId, UserId};
use crate::schema::password_resets;
use crate::{Conn, Tx};

/// What the token is for: part of its MAC, so that no other token of ours passes for one.
pub(super) const RESET_PASSWORD: &str = "reset_password";
/// How long a link works.
pub(super) const VALID_FOR: TimeDelta = TimeDelta::minutes(30);

/// A request for a link. One for an address that nobody has belongs to nobody.
#[derive(Clone, Debug, HasQuery, Insertable)]
#[diesel(table_name = password_resets, treat_none_as_default_value = false)]
pub(super) struct ResetRow {
    pub(super) id: EmailTokenId,
    pub(super) user_id: Option<UserId>,
    /// SHA-256 of the address that was typed, in its canonical form.
    pub(super) address: Vec<u8>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) ended_at: Option<DateTime<Utc>>,
}

/// The print of an address that limits and links are bound to.
pub(super) fn print(email: &str) -> Vec<u8> {
    Sha256::new().chain_update(b"reset\0").chain_update(email).finalize().to_vec()
}

impl ResetRow {
    /// Whether the link still opens the account of the person it was mailed to.
    pub(super) fn opens(&self, user: &User, now: DateTime<Utc>) -> bool {
        self.ended_at.is_none()
            && now < self.expires_at
            && self.user_id == Some(user.id)
            && self.address == print(&user.email)
            && user.may_sign_in()
    }

    pub(super) async fn find(conn: &mut Conn, id: EmailTokenId) -> Result<Option<Self>> {
        Ok(Self::query().filter(password_resets::id.eq(id)).first(conn).await.optional()?)
    }
}

/// Ends every link of a person: one was used, or the password was changed.
pub(super) async fn end_all(tx: &mut Tx, user: UserId) -> Result<()> {
    let open = password_resets::user_id.eq(user).and(password_resets::ended_at.is_null());
    diesel::update(password_resets::table.filter(open))
        .set(password_resets::ended_at.eq(tx.now()))
        .execute(tx.conn())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::a_user;

    #[test]
    fn a_link_opens_one_account_once_for_half_an_hour() {
        let made = DateTime::UNIX_EPOCH;
        let user = a_user("ali@mail.uz");
        let row = ResetRow {
            id: EmailTokenId::new(),
            user_id: Some(user.id),
            address: print("ali@mail.uz"),
            created_at: made,
            expires_at: made + VALID_FOR,
            ended_at: None,
        };
        let late = made + VALID_FOR;
        assert!(row.opens(&user, made) && row.opens(&user, late - TimeDelta::seconds(1)));
        assert!(!row.opens(&user, late));
        assert!(!ResetRow { ended_at: Some(made), ..row.clone() }.opens(&user, made));
        assert!(!ResetRow { user_id: None, ..row.clone() }.opens(&user, made));
        assert!(!row.opens(&a_user("ali@mail.uz"), made), "another person");
        assert!(!row.opens(&User { email: "new@mail.uz".to_owned(), ..user.clone() }, made));
        assert!(!row.opens(&User { is_active: false, ..user.clone() }, made));
        assert!(!row.opens(&User { deleted_at: Some(made), ..user }, made));
    }
}
