//! The file of a discarded upload goes.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Upload;
use crate::error::Result;
use crate::ids::UploadId;
use crate::schema::uploads;
use crate::{Conn, Outcome, Tx};

/// An upload whose file is to go; none when it is wanted, or gone.
///
/// # Errors
/// The database's.
pub(super) async fn to_remove(conn: &mut Conn, id: UploadId) -> Result<Option<Upload>> {
    let waits = uploads::id
        .eq(id)
        .and(uploads::discarded_at.is_not_null())
        .and(uploads::removed_at.is_null());
    Ok(Upload::query().filter(waits).first(conn).await.optional()?)
}

/// Records that the file is gone.
///
/// # Errors
/// The database's.
pub(super) async fn removed(tx: &mut Tx, id: UploadId) -> Result<Outcome> {
    let now = tx.now();
    let waits = uploads::table.find(id).filter(uploads::removed_at.is_null());
    let recorded =
        diesel::update(waits).set(uploads::removed_at.eq(now)).execute(tx.conn()).await?;
    Ok(if recorded == 1 { Outcome::Done } else { Outcome::AlreadyDone })
}
