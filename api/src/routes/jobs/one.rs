//! One job: looking at it, and what staff do to it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared::accounts::Principal;
use shared::error::texts;
use shared::ids::JobId;
use shared::jobs::operate::{self, Wake};
use shared::{Error, Result, Tx};

use super::shape::JobDetailOut;
use super::{WhyBody, operator};
use crate::prelude::*;

/// Shows a job: arguments with secrets masked, attempts with errors and timings, progress, and what happens next. For
/// staff.
#[endpoint(tags("jobs"))]
pub(crate) async fn show_job(
    app: AppState,
    staff: Staff,
    id: Number,
    view: View<JobDetailOut>,
) -> ApiResult<Viewed<JobDetailOut>> {
    let job = operate::inspect(&mut *app.db.read().await?, *id).await?;
    Ok(view.show(JobDetailOut::new(job, staff.user.language)))
}

/// Runs a job now. For staff with a role.
///
/// A dead or cancelled job has its whole number of attempts again; one that waits for its time or its next attempt stops
/// waiting. An effect that was applied before is not applied again. Running and done jobs are refused, and so is one whose
/// business key a live job has.
#[endpoint(tags("jobs"))]
pub(crate) async fn retry_job(
    app: AppState,
    staff: InAnyRole,
    id: Number,
    body: OptionalBody<WhyBody>,
) -> ApiResult<Json<JobDetailOut>> {
    let by = operator(&staff, body.reason.as_deref())?;
    let job = app
        .db
        .transaction(async |tx| {
            let _repeated = operate::retry(tx, &by, *id).await?;
            after(tx, &staff, *id).await
        })
        .await?;
    Ok(Json(job))
}

/// Cancels a job. For staff with a role.
///
/// One that waits is cancelled at once. A running one is asked to stop (`stop` in the answer): its worker stops it at the
/// next step and rolls back what it had not committed; a call to the outside is not interrupted. Done and dead jobs are
/// refused.
#[endpoint(tags("jobs"))]
pub(crate) async fn cancel_job(
    app: AppState,
    staff: InAnyRole,
    id: Number,
    body: OptionalBody<WhyBody>,
) -> ApiResult<Json<JobDetailOut>> {
    let by = operator(&staff, body.reason.as_deref())?;
    let job = app
        .db
        .transaction(async |tx| {
            let _repeated = operate::cancel(tx, &by, *id).await?;
            after(tx, &staff, *id).await
        })
        .await?;
    Ok(Json(job))
}

/// Takes a dead job off the dead letter: it counts as cancelled. For staff with a role.
#[endpoint(tags("jobs"))]
pub(crate) async fn discard_job(
    app: AppState,
    staff: InAnyRole,
    id: Number,
    body: OptionalBody<WhyBody>,
) -> ApiResult<Json<JobDetailOut>> {
    let by = operator(&staff, body.reason.as_deref())?;
    let job = app
        .db
        .transaction(async |tx| {
            let _repeated = operate::discard(tx, &by, *id).await?;
            after(tx, &staff, *id).await
        })
        .await?;
    Ok(Json(job))
}

/// When a job shall run: one of both.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnoozeBody {
    /// So many seconds from now, at most a year.
    #[validate(range(min = 1, max = 31_622_400))]
    delay_seconds: Option<u64>,
    /// At this moment (business time), at most a year ahead.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    until: Option<DateTime<Utc>>,
    /// For the audit log. At most 2,000 characters.
    reason: Option<String>,
}

impl SnoozeBody {
    fn wake(&self) -> Result<Wake> {
        match (self.delay_seconds, self.until) {
            (Some(seconds), None) => Ok(Wake::After(Duration::from_secs(seconds))),
            (None, Some(moment)) => Ok(Wake::At(moment)),
            (None, None) => Err(Error::field("until", texts::REQUIRED)),
            (Some(_), Some(_)) => Err(Error::field("until", texts::INVALID)),
        }
    }
}

/// Puts a job off that waits; costs no attempt. For staff with a role.
#[endpoint(tags("jobs"))]
pub(crate) async fn snooze_job(
    app: AppState,
    staff: InAnyRole,
    id: Number,
    body: Body<SnoozeBody>,
) -> ApiResult<Json<JobDetailOut>> {
    let (by, wake) = (operator(&staff, body.reason.as_deref())?, body.wake()?);
    let job = app
        .db
        .transaction(async |tx| {
            operate::snooze(tx, &by, *id, wake).await?;
            after(tx, &staff, *id).await
        })
        .await?;
    Ok(Json(job))
}

/// The job as the command left it.
async fn after(tx: &mut Tx, reader: &Principal, id: JobId) -> Result<JobDetailOut> {
    Ok(JobDetailOut::new(operate::inspect(tx, id).await?, reader.user.language))
}
