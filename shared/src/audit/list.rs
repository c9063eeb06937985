//! Reading the audit log: for staff; in pages, or as a feed that goes on after a row.

use chrono::{DateTime, Utc};
use diesel::dsl::{IntoBoxed, auto_type};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::Conn;
use crate::error::{Code, Error, Result};
use crate::ids::UserId;
use crate::listings::queries::{display_name, escape_like};
use crate::page::{After, Part, Slice};
use crate::schema::{audit_log, users};

/// A line of the audit log.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = audit_log)]
pub struct Entry {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// The person who did it, if it was one.
    pub actor_id: Option<UserId>,
    /// Who did it: `user:…`, `staff:…`, `job:…`, `system`, `provider:…`, `operator:…`.
    pub actor: String,
    /// What: `listing.approve`, `auth.signed_in`, …
    pub action: String,
    /// To what kind of thing.
    pub object_type: String,
    /// To which.
    pub object_id: String,
    /// What else there is to know.
    pub details: Value,
    /// The address the request came from.
    pub ip: Option<String>,
    /// What the program called itself.
    pub user_agent: Option<String>,
    /// The id of the request, or of the one that caused the job.
    pub request_id: Option<String>,
}

/// A line, and what the person is called.
#[derive(Clone, Debug)]
pub struct AuditView {
    /// The line.
    pub entry: Entry,
    /// The person's address.
    pub email: Option<String>,
    /// What others call the person.
    pub name: Option<String>,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActorFilter {
    /// This person, for themselves or for the platform.
    Person(UserId),
    /// The person who has this address, in lower case.
    Address(String),
    /// An actor by the whole name (`system`, `provider:payme`), or all of a kind (`job`, `staff`).
    Named(String),
}

/// Which lines. What is left out does not narrow.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only by them.
    pub actor: Option<ActorFilter>,
    /// Only this action (`listing.approve`), or all that begin with this word (`listing`).
    pub action: Option<String>,
    /// Only about this kind of thing.
    pub object_type: Option<String>,
    /// Only about this one.
    pub object_id: Option<String>,
    /// Only of this request and of the jobs it caused.
    pub request_id: Option<String>,
    /// At this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Before this instant.
    pub until: Option<DateTime<Utc>>,
}

/// In which order. Lines of one instant follow their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditOrder {
    /// Oldest first.
    Oldest,
    /// Newest first.
    Newest,
}

type Person = (String, Option<String>, String);
type Row = (Entry, Option<Person>);

#[auto_type]
fn joined() -> _ {
    audit_log::table.left_join(users::table)
}

/// What a list shows; the type has no name worth writing.
macro_rules! columns {
    () => {
        (Entry::as_select(), (users::email, users::username, users::full_name).nullable())
    };
}

/// One part of the audit log.
///
/// # Errors
/// `INVALID_CURSOR` when the part begins after a key that no line has.
pub async fn list(
    conn: &mut Conn,
    filter: &AuditFilter,
    order: AuditOrder,
    slice: Slice,
) -> Result<Part<AuditView>> {
    match slice {
        Slice::Window(window) => {
            let rows = ordered(matching(filter), order)
                .select(columns!())
                .limit(window.limit)
                .offset(window.offset)
                .load::<Row>(conn)
                .await?;
            let count = matching(filter).count().get_result(conn).await?;
            Ok(Part { rows: views(rows), count: Some(count), next: None })
        }
        Slice::Feed { limit, after } => {
            let wanted = match after {
                Some(after) => beyond(matching(filter), order, &after)?,
                None => matching(filter),
            };
            // One row more than is shown says whether there is a next part.
            let found = ordered(wanted, order).select(columns!()).limit(limit.saturating_add(1));
            let mut rows = views(found.load::<Row>(conn).await?);
            let shown = usize::try_from(limit).unwrap_or(usize::MAX);
            let more = rows.len() > shown;
            rows.truncate(shown);
            let next = rows.last().filter(|_| more).map(|view| place_of(&view.entry));
            Ok(Part { rows, count: None, next })
        }
    }
}

fn views(rows: Vec<Row>) -> Vec<AuditView> {
    rows.into_iter().map(AuditView::from).collect()
}

fn matching(filter: &AuditFilter) -> IntoBoxed<'static, joined, Pg> {
    let mut wanted = joined().into_boxed();
    let below = |word: &str, dot: char| format!("{}{dot}%", escape_like(word));
    match &filter.actor {
        Some(ActorFilter::Person(id)) => wanted = wanted.filter(audit_log::actor_id.eq(*id)),
        Some(ActorFilter::Address(email)) => {
            wanted = wanted.filter(users::email.nullable().eq(email.clone()));
        }
        Some(ActorFilter::Named(name)) => {
            let named = audit_log::actor.eq(name.clone());
            wanted = wanted.filter(named.or(audit_log::actor.like(below(name, ':'))));
        }
        None => {}
    }
    if let Some(action) = &filter.action {
        let named = audit_log::action.eq(action.clone());
        wanted = wanted.filter(named.or(audit_log::action.like(below(action, '.'))));
    }
    if let Some(kind) = &filter.object_type {
        wanted = wanted.filter(audit_log::object_type.eq(kind.clone()));
    }
    if let Some(id) = &filter.object_id {
        wanted = wanted.filter(audit_log::object_id.eq(id.clone()));
    }
    if let Some(request) = &filter.request_id {
        wanted = wanted.filter(audit_log::request_id.eq(request.clone()));
    }
    if let Some(since) = filter.since {
        wanted = wanted.filter(audit_log::at.ge(since));
    }
    if let Some(until) = filter.until {
        wanted = wanted.filter(audit_log::at.lt(until));
    }
    wanted
}

fn ordered(
    wanted: IntoBoxed<'static, joined, Pg>,
    order: AuditOrder,
) -> IntoBoxed<'static, joined, Pg> {
    match order {
        AuditOrder::Oldest => wanted.order((audit_log::at.asc(), audit_log::id.asc())),
        AuditOrder::Newest => wanted.order((audit_log::at.desc(), audit_log::id.desc())),
    }
}

/// The lines that follow another in this order. The first half of each condition is a range of an index.
fn beyond(
    wanted: IntoBoxed<'static, joined, Pg>,
    order: AuditOrder,
    after: &After,
) -> Result<IntoBoxed<'static, joined, Pg>> {
    use audit_log::{at, id};
    let (last_at, last) = place(after).ok_or_else(|| Error::new(Code::InvalidCursor))?;
    Ok(match order {
        AuditOrder::Oldest => wanted.filter(at.ge(last_at).and(at.gt(last_at).or(id.gt(last)))),
        AuditOrder::Newest => wanted.filter(at.le(last_at).and(at.lt(last_at).or(id.lt(last)))),
    })
}

/// Where a line is. Its number fits into the id of a place.
fn place_of(entry: &Entry) -> After {
    let number = u128::try_from(entry.id).unwrap_or_default();
    After { key: entry.at.timestamp_micros().to_string(), id: Uuid::from_u128(number) }
}

fn place(after: &After) -> Option<(DateTime<Utc>, i64)> {
    let at = DateTime::from_timestamp_micros(after.key.parse().ok()?)?;
    // PostgreSQL knows fewer years than chrono.
    let known = (0..=9_999).contains(&chrono::Datelike::year(&at));
    Some((at, i64::try_from(after.id.as_u128()).ok()?)).filter(|_| known)
}

impl From<Row> for AuditView {
    fn from((entry, person): Row) -> Self {
        let Some((email, username, full_name)) = person else {
            return Self { entry, email: None, name: None };
        };
        let name = display_name(&full_name, username.as_deref(), &email).to_owned();
        Self { entry, email: Some(email), name: Some(name) }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_is_read_back_and_no_other_word_is_one() {
        let at = DateTime::UNIX_EPOCH + TimeDelta::microseconds(1_764_000_000_123_456);
        let entry = Entry {
            id: i64::MAX,
            at,
            actor_id: None,
            actor: "system".to_owned(),
            action: "listing.auto_approve".to_owned(),
            object_type: "listing".to_owned(),
            object_id: "1".to_owned(),
            details: json!({}),
            ip: None,
            user_agent: None,
            request_id: None,
        };
        assert_eq!(place(&place_of(&entry)), Some((at, i64::MAX)));
        for (key, id) in [("", 1), ("x", 1), ("9223372036854775807", 1), ("1", u128::MAX)] {
            let after = After { key: key.to_owned(), id: Uuid::from_u128(id) };
            assert_eq!(place(&after), None, "{key} {id}");
        }
    }
}
