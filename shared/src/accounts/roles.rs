//! What people may do for the platform. Superusers give roles and take them away; the next request knows.
//!
//! `users.is_staff` is kept in step: whoever has a role is staff, and whoever has none any more is not.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use serde_json::json;

use super::model::{Principal, User};
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result};
use crate::ids::UserId;
use crate::schema::{staff_roles, users};
use crate::text_enum::text_enum;
use crate::{Conn, Db, Outcome, Tx};

/// Who gives and takes superusers' rights waits for each other here: the last one is a rule about rows of others.
const SUPERUSERS: &str = "accounts.superusers";

text_enum! {
    /// What a superuser can make of a person.
    Role {
        /// Decides about listings, disputes and reports.
        Moderator = "moderator",
        /// Decides about people's money.
        Finance = "finance",
        /// May do everything.
        Superuser = "superuser",
    }
}

text_enum! {
    /// What is done with a role.
    Turn {
        /// Given.
        Grant = "grant",
        /// Taken away.
        Revoke = "revoke",
    }
}

text_enum! {
    /// What a request of staff needs.
    Right {
        /// To work for the platform: it is enough to look.
        Staff = "staff",
        /// To work for the platform in any role: it is needed to decide.
        AnyRole = "any_role",
        /// [`Role::Moderator`].
        Moderator = "moderator",
        /// [`Role::Finance`].
        Finance = "finance",
        /// [`Role::Superuser`].
        Superuser = "superuser",
    }
}

/// Whether the person of the row is staff with a role, in a statement about `users`.
macro_rules! holds {
    ($role:expr) => {
        users::is_staff.and(diesel::dsl::exists(
            staff_roles::table
                .filter(staff_roles::user_id.eq(users::id))
                .filter(staff_roles::role.eq($role)),
        ))
    };
}

pub(super) use holds;

/// The roles of a person as they were when they were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Roles {
    /// Works for the platform.
    pub is_staff: bool,
    /// Decides about listings, disputes and reports.
    pub is_moderator: bool,
    /// Decides about people's money.
    pub is_finance: bool,
    /// May do everything.
    pub is_superuser: bool,
}

impl Roles {
    /// The roles of a person for whom the database [`holds!`] the first two.
    pub(super) fn new(user: &User, (is_moderator, is_finance): (bool, bool)) -> Self {
        let User { is_staff, is_superuser, .. } = *user;
        Self { is_staff, is_moderator, is_finance, is_superuser }
    }

    /// Whether they may do what needs this right.
    #[must_use]
    pub fn may(self, right: Right) -> bool {
        self.is_superuser
            || match right {
                Right::Staff => self.is_staff,
                Right::AnyRole => self.is_staff && (self.is_moderator || self.is_finance),
                Right::Moderator => self.is_staff && self.is_moderator,
                Right::Finance => self.is_staff && self.is_finance,
                Right::Superuser => false,
            }
    }

    /// Whether they were given this role.
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        match role {
            Role::Moderator => self.is_moderator,
            Role::Finance => self.is_finance,
            Role::Superuser => self.is_superuser,
        }
    }

    /// The roles they were given.
    #[must_use]
    pub fn given(self) -> Vec<Role> {
        Role::ALL.iter().copied().filter(|role| self.has(*role)).collect()
    }

    fn with(mut self, role: Role, has: bool) -> Self {
        match role {
            Role::Moderator => self.is_moderator = has,
            Role::Finance => self.is_finance = has,
            Role::Superuser => self.is_superuser = has,
        }
        self.is_staff = self.is_moderator || self.is_finance || self.is_superuser;
        self
    }
}

/// A person's roles.
///
/// # Errors
/// `NOT_FOUND` when there is nobody, or not any more.
pub async fn roles_of(conn: &mut Conn, who: UserId) -> Result<Roles> {
    let present = users::table.filter(users::id.eq(who).and(users::deleted_at.is_null()));
    let (user, granted) = present
        .select((User::as_select(), (holds!(Role::Moderator), holds!(Role::Finance))))
        .first(conn)
        .await?;
    Ok(Roles::new(&user, granted))
}

/// Gives a person a role, or takes it away. A repeat finds it done.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_STATE` when a role is given to somebody who is banned (`banned`) or has proved nothing
/// (`unverified`), or when the last superuser would be gone (`last_superuser`); `PERMISSION_DENIED` for staff who are no
/// superusers, and for superusers who would take their own right away.
pub async fn change_role(
    tx: &mut Tx,
    by: Actor,
    who: UserId,
    role: Role,
    turn: Turn,
) -> Result<(Roles, Outcome)> {
    take_turn(tx).await?;
    if let Actor::Staff(superuser) = by
        && !roles_of(tx, superuser).await?.is_superuser
    {
        // Not any more: somebody was quicker.
        return Err(Code::PermissionDenied.into());
    }
    let user = User::lock(tx, who).await?.filter(|user| user.deleted_at.is_none());
    let user = user.ok_or(Code::NotFound)?;
    let before = roles_of(tx, who).await?;
    if before.has(role) == (turn == Turn::Grant) {
        return Ok((before, Outcome::AlreadyDone));
    }
    let action = match turn {
        Turn::Grant => {
            may_be_given(&user)?;
            "staff.role_granted"
        }
        Turn::Revoke => {
            may_be_taken(tx, by, who, role).await?;
            "staff.role_revoked"
        }
    };
    let after = before.with(role, turn == Turn::Grant);
    write(tx, by, who, role, after).await?;
    let details = json!({ "role": role, "has": after.given() });
    audit::record(tx, by, action, ("user", who.to_string()), details).await?;
    tracing::warn!(target: "accounts", action, user = %who, role = %role, %by, "{action}");
    Ok((after, Outcome::Done))
}

/// Staff are people we can write to.
fn may_be_given(user: &User) -> Result<()> {
    match (user.may_sign_in(), user.is_verified) {
        (true, true) => Ok(()),
        (true, false) => Err(Error::invalid_state("unverified")),
        (false, _) => Err(Error::invalid_state("banned")),
    }
}

/// Somebody must be left who can give roles, and nobody locks themselves out by a slip.
async fn may_be_taken(tx: &mut Tx, by: Actor, who: UserId, role: Role) -> Result<()> {
    match role {
        Role::Moderator | Role::Finance => return Ok(()),
        Role::Superuser => {}
    }
    if by.user() == Some(who) {
        return Err(Code::PermissionDenied.into());
    }
    keep_a_superuser(tx, who).await
}

/// Whoever ends a superuser's account or right waits here for others who do. Before any person's row is locked: two who took
/// both in different orders would wait for each other for ever.
pub(super) async fn take_turn(tx: &mut Tx) -> Result<()> {
    tx.one_at_a_time(SUPERUSERS).await
}

/// Refuses what would leave nobody who can give roles: whoever ends a superuser's account or right asks first, after
/// [`take_turn`].
///
/// # Errors
/// `INVALID_STATE` with the status `last_superuser`.
pub(super) async fn keep_a_superuser(tx: &mut Tx, without: UserId) -> Result<()> {
    let others = users::table
        .filter(users::is_superuser.and(users::is_active).and(users::deleted_at.is_null()))
        .filter(users::id.ne(without));
    if diesel::select(exists(others)).get_result(tx.conn()).await? {
        Ok(())
    } else {
        Err(Error::invalid_state("last_superuser"))
    }
}

async fn write(tx: &mut Tx, by: Actor, who: UserId, role: Role, after: Roles) -> Result<()> {
    match (role, after.has(role)) {
        (Role::Superuser, _) => {}
        (Role::Moderator | Role::Finance, true) => insert(tx, who, role, by.user()).await?,
        (Role::Moderator | Role::Finance, false) => {
            let theirs = staff_roles::table
                .filter(staff_roles::user_id.eq(who))
                .filter(staff_roles::role.eq(role));
            diesel::delete(theirs).execute(tx.conn()).await?;
        }
    }
    diesel::update(users::table.find(who))
        .set((
            users::is_staff.eq(after.is_staff),
            users::is_superuser.eq(after.is_superuser),
            users::updated_at.eq(tx.now()),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

async fn insert(tx: &mut Tx, who: UserId, role: Role, by: Option<UserId>) -> Result<()> {
    diesel::insert_into(staff_roles::table)
        .values((
            staff_roles::user_id.eq(who),
            staff_roles::role.eq(role),
            staff_roles::granted_by.eq(by),
            staff_roles::granted_at.eq(tx.now()),
        ))
        // A row that a person had kept without being staff.
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Gives a new member of staff every role of staff; for anybody else it does nothing. For the demo and for tests.
pub(crate) async fn begin_as_staff(tx: &mut Tx, user: &User) -> Result<()> {
    if user.is_staff {
        insert(tx, user.id, Role::Moderator, None).await?;
        insert(tx, user.id, Role::Finance, None).await?;
    }
    Ok(())
}

/// Writes into the audit log that somebody asked for what they may not do. In a transaction of its own: the request has
/// none, and its answer does not depend on this.
///
/// # Errors
/// The database's.
pub async fn note_refusal(
    db: &Db,
    who: &Principal,
    needs: Right,
    route: &str,
    path: &str,
) -> Result<()> {
    let id = who.user.id;
    let by = if who.user.is_staff { Actor::Staff(id) } else { Actor::User(id) };
    tracing::warn!(target: "accounts", action = "access.refused", actor = %by, needs = %needs, route, "access.refused");
    let details = json!({ "needs": needs, "has": who.roles.given(), "path": path });
    let object = ("route", route.to_owned());
    db.transaction(async |tx| audit::record(tx, by, "access.refused", object, details).await).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::a_user;

    #[test]
    fn a_role_is_a_right_of_staff_and_superusers_have_all() {
        let user =
            |is_staff, is_superuser| User { is_staff, is_superuser, ..a_user("ali@mail.uz") };
        let rights = |user: &User, granted| {
            let roles = Roles::new(user, granted);
            Right::ALL.iter().map(|right| roles.may(*right)).collect::<Vec<_>>()
        };
        for (user, granted, expected) in [
            (user(false, false), (false, false), [false; 5]),
            (user(false, false), (true, true), [false; 5]),
            (user(true, false), (false, false), [true, false, false, false, false]),
            (user(true, false), (true, false), [true, true, true, false, false]),
            (user(true, false), (false, true), [true, true, false, true, false]),
            (user(true, false), (true, true), [true, true, true, true, false]),
            (user(false, true), (false, false), [true; 5]),
        ] {
            assert_eq!(rights(&user, granted), expected, "{granted:?}");
        }
    }

    #[test]
    fn who_has_a_role_is_staff_and_who_has_none_any_more_is_not() {
        let roles = Roles::default().with(Role::Finance, true).with(Role::Moderator, true);
        assert!(roles.is_staff && !roles.is_superuser);
        assert_eq!(roles.given(), [Role::Moderator, Role::Finance]);
        let roles = roles.with(Role::Finance, false);
        assert!(roles.is_staff);
        assert_eq!(roles.with(Role::Moderator, false), Roles::default());
        let superuser = roles.with(Role::Superuser, true).with(Role::Moderator, false);
        assert!(superuser.is_staff && superuser.is_superuser);
    }
}
