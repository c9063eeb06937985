//! Somebody sends a picture.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Picture, Upload, UploadKind};
use crate::accounts::User;
use crate::error::{Code, Error, Result};
use crate::ids::{UploadId, UserId};
use crate::schema::uploads;
use crate::statement::statement;
use crate::{App, Tx};

/// The largest file that is taken, in bytes.
pub const RECEIVED_MAX: usize = 5 << 20;
/// What one person may send in [`QUOTA_WINDOW`], in bytes.
const QUOTA_BYTES: i64 = 200 << 20;
const QUOTA_WINDOW: TimeDelta = TimeDelta::hours(24);

/// Makes a picture of somebody's file and keeps it: first its row, then the file. It is attached to nothing yet.
///
/// It takes no transaction: decoding is slow and writing is a call to the outside. Everything that is counted is counted
/// before the file is looked at, also for files that are refused then: looking is what costs.
///
/// # Errors
/// Those of [`super::Images::make`]; `PAYLOAD_TOO_LARGE`; `RATE_LIMITED` for pictures; `LIMIT_REACHED` for the day; `TOKEN_INVALID` when the account was
/// closed a moment ago; `SERVICE_UNAVAILABLE` when the file cannot be written: its row is swept away.
pub async fn store(
    app: &App,
    user: UserId,
    kind: UploadKind,
    (field, file): (&str, Vec<u8>),
) -> Result<Upload> {
    let received = file.len();
    if received > RECEIVED_MAX {
        return Err(Code::PayloadTooLarge.into());
    }
    if let Some(verdict) = app.limits.take_picture(user).await
        && !verdict.allowed
    {
        return Err(Error::new(Code::RateLimited).after(verdict.reset_seconds()));
    }
    let received_bytes = i32::try_from(received).map_err(Error::internal)?;
    app.db.transaction(async |tx| check_quota(tx, user, received_bytes).await).await?;
    let picture = app.images.make(user, kind, (field, file)).await?;
    let upload = app
        .db
        .transaction(async |tx| record(tx, user, kind, (&picture, received_bytes)).await)
        .await?;
    app.storage.put(&upload.key, picture.content_type, picture.bytes).await?;
    tracing::info!(target: "uploads", upload = %upload.id, %user, bytes = upload.bytes, "uploaded");
    Ok(upload)
}

async fn record(
    tx: &mut Tx,
    user: UserId,
    kind: UploadKind,
    (picture, received_bytes): (&Picture, i32),
) -> Result<Upload> {
    // The limit is about rows that are not there yet.
    tx.one_at_a_time(&format!("uploads:{user}")).await?;
    User::hold_open(tx, user).await?;
    // Again: pictures that were sent at once have passed it together.
    check_quota(tx, user, received_bytes).await?;
    let name = Uuid::new_v4().simple();
    let upload = Upload {
        id: UploadId::new(),
        user_id: user,
        kind,
        key: format!("{}/{name}.{}", kind.folder(), picture.extension()),
        content_type: picture.content_type.to_owned(),
        bytes: i32::try_from(picture.bytes.len()).map_err(Error::internal)?,
        received_bytes,
        width: i32::try_from(picture.width).map_err(Error::internal)?,
        height: i32::try_from(picture.height).map_err(Error::internal)?,
        created_at: tx.now(),
        attached_as: None,
        attached_at: None,
        discarded_at: None,
        removed_at: None,
    };
    diesel::insert_into(uploads::table).values(&upload).execute(tx.conn()).await?;
    Ok(upload)
}

async fn check_quota(tx: &mut Tx, user: UserId, received: i32) -> Result<()> {
    #[derive(QueryableByName)]
    struct Sum {
        #[diesel(sql_type = BigInt)]
        received: i64,
    }
    let since = tx.now() - QUOTA_WINDOW;
    let so_far: Sum = statement(
        "SELECT coalesce(sum(received_bytes), 0)::bigint AS received FROM uploads WHERE user_id = $1 AND created_at > $2",
    )
    .bind::<SqlUuid, _>(user)
    .bind::<Timestamptz, _>(since)
    .get_result(tx.conn())
    .await?;
    if so_far.received.saturating_add(i64::from(received)) > QUOTA_BYTES {
        return Err(Error::new(Code::LimitReached).fact("bytes_per_day", QUOTA_BYTES.into()));
    }
    Ok(())
}
