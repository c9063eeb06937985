//! All dead jobs of a kind at a time.

use chrono::{DateTime, Utc};
use shared::jobs::operate::{self, Dead, Mass};

use super::operator;
use crate::prelude::*;

/// What one request works through: it stays a matter of seconds.
const LIMIT_MAX: i64 = 10_000;

/// Which dead jobs.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadBody {
    /// Of this kind.
    #[validate(length(min = 1, max = 200))]
    kind: String,
    /// That died before this moment (business time).
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    died_before: Option<DateTime<Utc>>,
    /// At most so many, the longest dead first: 1 to 10,000, which is the default.
    #[validate(range(min = 1, max = LIMIT_MAX))]
    limit: Option<i64>,
    /// For the audit log. At most 2,000 characters.
    reason: Option<String>,
}

impl From<&DeadBody> for Dead {
    fn from(body: &DeadBody) -> Self {
        let limit = body.limit.unwrap_or(LIMIT_MAX);
        Self { kind: body.kind.clone(), died_before: body.died_before, limit }
    }
}

/// What became of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeadOut {
    kind: String,
    /// Jobs that were changed.
    changed: i64,
    /// Jobs that stay dead: another job of their business key is live.
    skipped: i64,
    /// Whether there may be more: the limit was reached. Repeat the request.
    more: bool,
}

impl DeadOut {
    fn new(body: &DeadBody, mass: Mass) -> Self {
        let Mass { changed, skipped, more } = mass;
        Self { kind: body.kind.clone(), changed, skipped, more }
    }
}

/// Runs the dead jobs of a kind again. For superusers.
///
/// Works in batches, each with its line in the audit log; a failure in the middle leaves what is done, and repeating the
/// request goes on. A job stays dead while another of its business key is live.
#[endpoint(tags("jobs"))]
pub(crate) async fn retry_dead(
    app: AppState,
    superuser: Superuser,
    body: Body<DeadBody>,
) -> ApiResult<Json<DeadOut>> {
    let by = operator(&superuser, body.reason.as_deref())?;
    let mass = operate::retry_dead(&app.db, &by, &Dead::from(&body.0)).await?;
    Ok(Json(DeadOut::new(&body, mass)))
}

/// Takes the dead jobs of a kind off the dead letter. For superusers.
#[endpoint(tags("jobs"))]
pub(crate) async fn discard_dead(
    app: AppState,
    superuser: Superuser,
    body: Body<DeadBody>,
) -> ApiResult<Json<DeadOut>> {
    let by = operator(&superuser, body.reason.as_deref())?;
    let mass = operate::discard_dead(&app.db, &by, &Dead::from(&body.0)).await?;
    Ok(Json(DeadOut::new(&body, mass)))
}
