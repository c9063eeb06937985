//! A person's upload becomes their picture.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::Attachment;
use super::{Upload, discard_avatar};
use crate::error::Result;
use crate::ids::{UploadId, UserId};
use crate::schema::uploads;
use crate::{App, Tx};

/// The upload of a person behind a URL of ours; none for what is not theirs, or not ours at all.
///
/// # Errors
/// The database's.
pub(crate) async fn own_upload(
    tx: &mut Tx,
    app: &App,
    user: UserId,
    url: &str,
) -> Result<Option<UploadId>> {
    let Some(key) = app.storage.key_of(url) else { return Ok(None) };
    let theirs = uploads::key.eq(key).and(uploads::user_id.eq(user));
    let live = theirs.and(uploads::discarded_at.is_null());
    Ok(uploads::table.filter(live).select(uploads::id).first(tx.conn()).await.optional()?)
}

/// Makes an upload the picture of its owner, whose row is locked, and discards the one before. Returns its URL; none when
/// the upload is not theirs or is gone. The same again finds it done.
///
/// # Errors
/// The database's.
pub(crate) async fn attach_avatar(
    tx: &mut Tx,
    app: &App,
    user: UserId,
    id: UploadId,
) -> Result<Option<String>> {
    let found = Upload::query()
        .filter(uploads::id.eq(id).and(uploads::user_id.eq(user)))
        .for_no_key_update()
        .first(tx.conn())
        .await
        .optional()?;
    let Some(upload) = found.filter(|upload| upload.discarded_at.is_none()) else {
        return Ok(None);
    };
    if upload.attached_as.is_none() {
        discard_avatar(tx, user).await?;
        let now = tx.now();
        diesel::update(uploads::table.find(id))
            .set((
                uploads::attached_as.eq(Some(Attachment::Avatar)),
                uploads::attached_at.eq(Some(now)),
            ))
            .execute(tx.conn())
            .await?;
    }
    Ok(Some(app.storage.url(&upload.key)))
}
