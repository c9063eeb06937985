//! An upload is not wanted any more: its file goes by a job, after the commit.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::jobs::RemoveUpload;
use super::model::Attachment;
use crate::Tx;
use crate::error::Result;
use crate::ids::{UploadId, UserId};
use crate::jobs::enqueue;
use crate::schema::uploads;

/// Discards the picture of a person whose row is locked, if it is an upload of theirs.
///
/// # Errors
/// The database's.
pub(crate) async fn discard_avatar(tx: &mut Tx, user: UserId) -> Result<()> {
    let now = tx.now();
    let theirs = uploads::user_id
        .eq(user)
        .and(uploads::attached_as.eq(Attachment::Avatar))
        .and(uploads::discarded_at.is_null());
    let gone: Vec<UploadId> = diesel::update(uploads::table.filter(theirs))
        .set(uploads::discarded_at.eq(now))
        .returning(uploads::id)
        .get_results(tx.conn())
        .await?;
    remove_files(tx, gone).await
}

/// Discards everything a person ever sent.
///
/// # Errors
/// The database's.
pub(crate) async fn discard_all(tx: &mut Tx, user: UserId) -> Result<()> {
    let now = tx.now();
    let theirs = uploads::user_id.eq(user).and(uploads::discarded_at.is_null());
    let gone: Vec<UploadId> = diesel::update(uploads::table.filter(theirs))
        .set(uploads::discarded_at.eq(now))
        .returning(uploads::id)
        .get_results(tx.conn())
        .await?;
    remove_files(tx, gone).await
}

/// Records a job for each file.
pub(super) async fn remove_files(tx: &mut Tx, gone: Vec<UploadId>) -> Result<()> {
    for upload_id in gone {
        enqueue(tx, &RemoveUpload { upload_id }).await?;
    }
    Ok(())
}
