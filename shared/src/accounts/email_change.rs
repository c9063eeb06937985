//! A new address becomes a person's when they have proved it: until then their letters and their sign-in stay where they
//! are, so a slip of the pen locks nobody out and a thief's address gains nothing without the old one being told.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::email_token;
use super::jobs::{News, SendAccountNotice, SendEmailChangeProof};
use super::model::User;
use super::register::{or_taken, taken};
use super::typed_address;
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result};
use crate::ids::{EmailChangeId, EmailTokenId, UserId};
use crate::schema::{email_changes, users};
use crate::{App, Conn, Outcome, Tx, jobs};

/// What the mailed token is for: part of its MAC.
const CHANGE_EMAIL: &str = "change_email";
/// How long the mailed link works.
const VALID_FOR: TimeDelta = TimeDelta::hours(24);
/// One wish of a person in this time.
const AT_MOST_EVERY: TimeDelta = TimeDelta::seconds(60);
/// Wishes of a person in an hour, and for an address, whatever came of them.
const AN_HOUR_AT_MOST: i64 = 5;

/// A wish for another address.
#[derive(Clone, Debug, HasQuery, Insertable)]
#[diesel(table_name = email_changes, treat_none_as_default_value = false)]
pub(super) struct EmailChange {
    pub(super) id: EmailChangeId,
    pub(super) user_id: UserId,
    pub(super) old_email: String,
    pub(super) new_email: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) confirmed_at: Option<DateTime<Utc>>,
    pub(super) withdrawn_at: Option<DateTime<Utc>>,
}

impl EmailChange {
    /// The wish and the person.
    pub(super) async fn find(conn: &mut Conn, id: EmailChangeId) -> Result<Option<(Self, User)>> {
        let row = email_changes::table
            .inner_join(users::table)
            .filter(email_changes::id.eq(id))
            .select((Self::as_select(), User::as_select()))
            .first(conn)
            .await
            .optional()?;
        Ok(row)
    }

    /// Whether the token can still prove the address.
    pub(super) fn is_open(&self, user: &User, now: DateTime<Utc>) -> bool {
        self.confirmed_at.is_none()
            && self.withdrawn_at.is_none()
            && now < self.expires_at
            && user.may_sign_in()
            && user.email == self.old_email
    }

    /// The token that proves the new address.
    pub(super) fn token(&self, app: &App) -> String {
        app.tokens.mailed(CHANGE_EMAIL, EmailTokenId(self.id.0))
    }
}

/// The change that a mailed token speaks of.
pub(super) fn read_token(app: &App, token: &str) -> Option<EmailChangeId> {
    app.tokens.read_mailed(CHANGE_EMAIL, token).map(|id| EmailChangeId(id.0))
}

/// The address a person wishes for and has not proved yet.
pub(super) async fn pending(conn: &mut Conn, user: UserId) -> Result<Option<String>> {
    let open = email_changes::user_id
        .eq(user)
        .and(email_changes::confirmed_at.is_null())
        .and(email_changes::withdrawn_at.is_null())
        .and(email_changes::expires_at.gt(crate::db::app_now()));
    let wish = email_changes::table.filter(open).select(email_changes::new_email);
    Ok(wish.first(conn).await.optional()?)
}

/// Counts a wish of a person whose row is locked, before anybody looks whether the address is somebody's: neither letters
/// nor the answer may be had more often. Nothing when they repeat the wish they have.
///
/// # Errors
/// `RATE_LIMITED`, with when to come back.
pub(super) async fn count(
    tx: &mut Tx,
    user: &User,
    new_email: String,
) -> Result<Option<EmailChangeId>> {
    if asked_a_moment_ago(tx, user.id, &new_email).await? {
        return Ok(None);
    }
    let now = tx.now();
    let hour = email_changes::created_at.gt(now - TimeDelta::hours(1));
    let (wishes, first, last): (i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>) =
        email_changes::table
            .filter(email_changes::user_id.eq(user.id).and(hour))
            .select((
                diesel::dsl::count_star(),
                diesel::dsl::min(email_changes::created_at),
                diesel::dsl::max(email_changes::created_at),
            ))
            .first(tx.conn())
            .await?;
    let soon = last.map(|last| last + AT_MOST_EVERY).filter(|until| *until > now);
    let full = first.map(|first| first + TimeDelta::hours(1)).filter(|_| wishes >= AN_HOUR_AT_MOST);
    if let Some(until) = soon.max(full) {
        return Err(too_often(until - now));
    }
    admit_address(tx, &new_email).await?;
    // Nothing has come of it yet.
    insert(tx, user, new_email, Some(now)).await.map(Some)
}

/// Whether an address may be wished for once more: each wish is a letter to it, whoever has it.
async fn admit_address(tx: &mut Tx, new_email: &str) -> Result<()> {
    tx.one_at_a_time(&format!("email_change:{}", email_token::print(new_email))).await?;
    let now = tx.now();
    let hour = email_changes::created_at.gt(now - TimeDelta::hours(1));
    let (wishes, first): (i64, Option<DateTime<Utc>>) = email_changes::table
        .filter(email_changes::new_email.eq(new_email).and(hour))
        .select((diesel::dsl::count_star(), diesel::dsl::min(email_changes::created_at)))
        .first(tx.conn())
        .await?;
    match first.map(|first| first + TimeDelta::hours(1)) {
        Some(until) if wishes >= AN_HOUR_AT_MOST => Err(too_often(until - now)),
        Some(_) | None => Ok(()),
    }
}

fn too_often(wait: TimeDelta) -> Error {
    let millis = u64::try_from(wait.num_milliseconds()).unwrap_or(0);
    Error::new(Code::RateLimited).after(millis.div_ceil(1_000).max(1))
}

async fn insert(
    tx: &mut Tx,
    user: &User,
    new_email: String,
    withdrawn_at: Option<DateTime<Utc>>,
) -> Result<EmailChangeId> {
    let change = EmailChange {
        id: EmailChangeId::new(),
        user_id: user.id,
        old_email: user.email.clone(),
        new_email,
        created_at: tx.now(),
        expires_at: tx.now() + VALID_FOR,
        confirmed_at: None,
        withdrawn_at,
    };
    diesel::insert_into(email_changes::table).values(&change).execute(tx.conn()).await?;
    Ok(change.id)
}

/// Records the wish of a person whose row is locked, after it was [`count`]ed; the newest takes the place of the one before.
/// The new address gets the proof; the old one is told, if they have proved it.
///
/// # Errors
/// `ALREADY_EXISTS` when it is somebody's; `BUSY` when another wish of theirs came in between.
pub(super) async fn ask(
    tx: &mut Tx,
    user: &User,
    counted: Option<EmailChangeId>,
    new_email: String,
) -> Result<()> {
    let Some(id) = counted else {
        let repeated = asked_a_moment_ago(tx, user.id, &new_email).await?;
        return if repeated { Ok(()) } else { Err(Code::Busy.into()) };
    };
    if typed_address::is_taken(tx, &new_email).await? {
        return Err(taken("email"));
    }
    withdraw(tx, user.id).await?;
    let this = email_changes::id
        .eq(id)
        .and(email_changes::user_id.eq(user.id))
        .and(email_changes::new_email.eq(&new_email))
        .and(email_changes::old_email.eq(&user.email))
        .and(email_changes::confirmed_at.is_null());
    let opened = diesel::update(email_changes::table.filter(this))
        .set(email_changes::withdrawn_at.eq(None::<DateTime<Utc>>))
        .execute(tx.conn())
        .await?;
    if opened == 0 {
        return Err(Code::Busy.into());
    }
    follow_up(tx, user, id).await
}

/// Records the wish of a person who has just registered, and has no other address.
///
/// # Errors
/// `RATE_LIMITED` when the address was wished for too often.
pub(super) async fn begin_with(tx: &mut Tx, user: &User, new_email: String) -> Result<()> {
    admit_address(tx, &new_email).await?;
    let id = insert(tx, user, new_email, None).await?;
    follow_up(tx, user, id).await
}

async fn follow_up(tx: &mut Tx, user: &User, id: EmailChangeId) -> Result<()> {
    jobs::enqueue(tx, &SendEmailChangeProof { email_change_id: id }).await?;
    tell(tx, user, id, News::EmailChangeAsked).await?;
    let object = ("user", user.id.to_string());
    let details = json!({ "change": id });
    audit::record(tx, Actor::User(user.id), "user.email_change_asked", object, details).await?;
    tracing::info!(target: "accounts", user = %user.id, change = %id, "another e-mail wished for");
    Ok(())
}

async fn asked_a_moment_ago(tx: &mut Tx, user: UserId, new_email: &str) -> Result<bool> {
    let since = tx.now() - AT_MOST_EVERY;
    let same = email_changes::user_id
        .eq(user)
        .and(email_changes::new_email.eq(new_email))
        .and(email_changes::confirmed_at.is_null())
        .and(email_changes::withdrawn_at.is_null())
        .and(email_changes::created_at.gt(since));
    Ok(diesel::select(exists(email_changes::table.filter(same))).get_result(tx.conn()).await?)
}

/// Withdraws the wish of a person whose row is locked, if they have one.
pub(super) async fn withdraw(tx: &mut Tx, user: UserId) -> Result<()> {
    let now = tx.now();
    let open = email_changes::user_id
        .eq(user)
        .and(email_changes::confirmed_at.is_null())
        .and(email_changes::withdrawn_at.is_null());
    diesel::update(email_changes::table.filter(open))
        .set(email_changes::withdrawn_at.eq(now))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Makes the new address the person's: the mailed token proved it, so an account that only typed it gives it up. None when it
/// proves nothing any more; the same token again finds it done.
///
/// # Errors
/// `ALREADY_EXISTS` when the address became somebody's meanwhile.
pub(super) async fn confirm(tx: &mut Tx, id: EmailChangeId) -> Result<Option<Outcome>> {
    let Some((seen, _user)) = EmailChange::find(tx, id).await? else { return Ok(None) };
    let mut ids = vec![seen.user_id];
    ids.extend(typed_address::holder(tx, &seen.new_email).await?);
    let people = User::lock_all(tx, ids).await?;
    let (theirs, others): (Vec<_>, Vec<_>) =
        people.into_iter().partition(|user| user.id == seen.user_id);
    let Some(user) = theirs.into_iter().next() else { return Ok(None) };
    // Wishes change under the lock of their person: read again.
    let Some((change, _user)) = EmailChange::find(tx, id).await? else { return Ok(None) };
    if change.confirmed_at.is_some() && user.email == change.new_email && user.may_sign_in() {
        return Ok(Some(Outcome::AlreadyDone));
    }
    let now = tx.now();
    if !change.is_open(&user, now) {
        return Ok(None);
    }
    for holder in others {
        let has_it = holder.deleted_at.is_none() && holder.email == change.new_email;
        if has_it && typed_address::gives_way(tx, &holder).await? {
            typed_address::release(tx, &holder).await?;
        }
    }
    diesel::update(email_changes::table.find(id))
        .set(email_changes::confirmed_at.eq(now))
        .execute(tx.conn())
        .await?;
    let changed = diesel::update(users::table.find(user.id))
        .set((
            users::email.eq(&change.new_email),
            users::email_verified_at.eq(now),
            users::is_verified.eq(true),
            users::updated_at.eq(now),
        ))
        .execute(tx.conn())
        .await;
    or_taken(changed)?;
    tell(tx, &user, change.id, News::EmailChanged).await?;
    let object = ("user", user.id.to_string());
    let details = json!({ "change": change.id });
    audit::record(tx, Actor::User(user.id), "user.email_changed", object, details).await?;
    tracing::info!(target: "accounts", user = %user.id, change = %change.id, "e-mail changed");
    Ok(Some(Outcome::Done))
}

/// Tells the address that the person had until now, if they have proved it: we write to no stranger on anybody's word.
async fn tell(tx: &mut Tx, before: &User, change: EmailChangeId, news: News) -> Result<()> {
    if before.may_be_mailed() {
        let (user_id, at) = (before.id, tx.now());
        let notice = SendAccountNotice { user_id, news, at, email_change_id: Some(change) };
        jobs::enqueue(tx, &notice).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::a_user;

    #[test]
    fn a_wish_lasts_a_day_for_an_open_account_whose_address_is_still_the_old_one() {
        let now = DateTime::UNIX_EPOCH;
        let user = a_user("old@mail.uz");
        let change = EmailChange {
            id: EmailChangeId::new(),
            user_id: user.id,
            old_email: user.email.clone(),
            new_email: "new@mail.uz".to_owned(),
            created_at: now,
            expires_at: now + VALID_FOR,
            confirmed_at: None,
            withdrawn_at: None,
        };
        assert!(change.is_open(&user, now));
        assert!(!change.is_open(&user, now + VALID_FOR));
        assert!(!EmailChange { confirmed_at: Some(now), ..change.clone() }.is_open(&user, now));
        assert!(!EmailChange { withdrawn_at: Some(now), ..change.clone() }.is_open(&user, now));
        assert!(!change.is_open(&User { deleted_at: Some(now), ..user.clone() }, now));
        assert!(!change.is_open(&User { email: "third@mail.uz".to_owned(), ..user }, now));
    }
}
