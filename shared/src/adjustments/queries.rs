//! Reading corrections: with the people they are about, in one statement.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::{Adjustment, AdjustmentStatus};
use crate::Conn;
use crate::error::Result;
use crate::ids::{AdjustmentId, UserId};
use crate::page::{Page, Window};
use crate::schema::{adjustments, users};

/// A correction, and whose balance it is.
#[derive(Clone, Debug)]
pub struct AdjustmentView {
    /// The row.
    pub adjustment: Adjustment,
    /// The person's address.
    pub user_email: String,
}

/// Which corrections.
#[derive(Clone, Copy, Debug, Default)]
pub struct AdjustmentFilter {
    /// Only in this status.
    pub status: Option<AdjustmentStatus>,
    /// Only of this person.
    pub user: Option<UserId>,
}

/// A correction.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn find(conn: &mut Conn, id: AdjustmentId) -> Result<AdjustmentView> {
    let row: (Adjustment, String) = adjustments::table
        .inner_join(users::table.on(users::id.eq(adjustments::user_id)))
        .filter(adjustments::id.eq(id))
        .select((Adjustment::as_select(), users::email))
        .first(conn)
        .await?;
    Ok(row.into())
}

/// One page of corrections, newest first.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Conn,
    filter: AdjustmentFilter,
    window: Window,
) -> Result<Page<AdjustmentView>> {
    let mut wanted = adjustments::table
        .inner_join(users::table.on(users::id.eq(adjustments::user_id)))
        .into_boxed();
    let mut counted = adjustments::table.into_boxed();
    if let Some(status) = filter.status {
        wanted = wanted.filter(adjustments::status.eq(status));
        counted = counted.filter(adjustments::status.eq(status));
    }
    if let Some(user) = filter.user {
        wanted = wanted.filter(adjustments::user_id.eq(user));
        counted = counted.filter(adjustments::user_id.eq(user));
    }
    let rows: Vec<(Adjustment, String)> = wanted
        .order((adjustments::created_at.desc(), adjustments::id.desc()))
        .select((Adjustment::as_select(), users::email))
        .limit(window.limit)
        .offset(window.offset)
        .load(conn)
        .await?;
    let count = counted.count().get_result(conn).await?;
    Ok(Page { rows: rows.into_iter().map(AdjustmentView::from).collect(), count })
}

impl From<(Adjustment, String)> for AdjustmentView {
    fn from((adjustment, user_email): (Adjustment, String)) -> Self {
        Self { adjustment, user_email }
    }
}
