//! Finding jobs.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::helper_types::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;

use super::{JobView, View};
use crate::Conn;
use crate::error::Result;
use crate::ids::JobId;
use crate::jobs::Queue;
use crate::listings::queries::escape_like;
use crate::page::{Page, Window};
use crate::schema::jobs;

/// Rows beyond this many are neither counted nor paged through: a history of millions is narrowed, not leafed.
pub const COUNTED: i64 = 10_000;

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In this state.
    pub state: Option<View>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this queue.
    pub queue: Option<Queue>,
    /// Caused by this request or job.
    pub trace_id: Option<String>,
    /// With this business key.
    pub unique_key: Option<String>,
    /// Recorded at this moment or later (business time).
    pub created_after: Option<DateTime<Utc>>,
    /// Recorded before this moment (business time).
    pub created_before: Option<DateTime<Utc>>,
    /// With this in the last error, in any case of letters.
    pub error: Option<String>,
}

/// In which order; by id, which is the order of recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By age.
    Newest,
    /// By age.
    Oldest,
}

/// One page of jobs. The count is exact below [`COUNTED`] and stops there: counting millions is work that nobody reads.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter,
    order: Order,
    window: Window,
) -> Result<Page<JobView>> {
    let limit = window.limit.min(COUNTED - window.offset);
    if limit <= 0 {
        return Ok(Page { rows: Vec::new(), count: count(conn, filter).await? });
    }
    let wanted = matching(filter).select(JobView::as_select());
    let ordered = match order {
        Order::Newest => wanted.order(jobs::id.desc()),
        Order::Oldest => wanted.order(jobs::id.asc()),
    };
    let rows: Vec<JobView> = ordered.limit(limit).offset(window.offset).load(conn).await?;
    let shown = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    // A page that is not full is the last one.
    let is_last = shown < limit && (shown > 0 || window.offset == 0);
    let count = if is_last { window.offset + shown } else { count(conn, filter).await? };
    Ok(Page { rows, count })
}

async fn count(conn: &mut Conn, filter: &Filter) -> Result<i64> {
    let beyond: Option<JobId> = matching(filter)
        .select(jobs::id)
        .order(jobs::id.desc())
        .offset(COUNTED - 1)
        .first(conn)
        .await
        .optional()?;
    match beyond {
        Some(_) => Ok(COUNTED),
        None => Ok(matching(filter).count().get_result(conn).await?),
    }
}

fn matching(filter: &Filter) -> IntoBoxed<'static, jobs::table, Pg> {
    let mut wanted = jobs::table.into_boxed();
    if let Some(view) = filter.state {
        wanted = wanted.filter(sql::<Bool>(view.condition()));
    }
    if let Some(kind) = filter.kind.clone() {
        wanted = wanted.filter(jobs::kind.eq(kind));
    }
    if let Some(queue) = filter.queue {
        wanted = wanted.filter(jobs::queue.eq(queue.as_str()));
    }
    if let Some(trace) = filter.trace_id.clone() {
        wanted = wanted.filter(jobs::trace_id.eq(trace));
    }
    if let Some(key) = filter.unique_key.clone() {
        wanted = wanted.filter(jobs::unique_key.eq(key));
    }
    if let Some(moment) = filter.created_after {
        wanted = wanted.filter(jobs::created_at.ge(moment));
    }
    if let Some(moment) = filter.created_before {
        wanted = wanted.filter(jobs::created_at.lt(moment));
    }
    if let Some(error) = &filter.error {
        wanted = wanted.filter(jobs::last_error.ilike(format!("%{}%", escape_like(error))));
    }
    wanted
}
