//! Is it alive, is it ready, how is it.

use std::collections::BTreeMap;

use salvo::http::StatusCode;
use salvo::oapi::{Components, Content, EndpointOutRegister, Operation, Response as ResponseDoc};
use salvo::{Depot, Request, Response, async_trait};
use shared::telemetry::health;

use crate::app::Draining;
use crate::prelude::*;

/// One word about the process.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatusOut {
    /// `ok`, `ready` or `not ready`.
    status: &'static str,
}

/// How the platform is.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthOut {
    /// `ok`, `degraded` (it works, but not all of it) or `down` (no database).
    status: &'static str,
    /// By name: `database`, `redis`, `worker`, `scheduler`, `jobs`, `ledger`.
    checks: BTreeMap<&'static str, CheckOut>,
}

/// How one part is.
#[derive(Serialize, ToSchema)]
struct CheckOut {
    ok: bool,
    /// Seconds since it was heard of, or since when the oldest due job waits.
    age_seconds: Option<i64>,
}

/// 200 when the process can take requests, 503 when it cannot.
pub(crate) struct Readiness(bool);

/// Says that the process is alive; asks nobody.
#[endpoint(tags("operations"))]
pub(crate) async fn alive() -> ApiResult<Json<StatusOut>> {
    Ok(Json(StatusOut { status: "ok" }))
}

/// Says whether the process can take requests: the database answers, its schema is ours, and we are not stopping.
#[endpoint(tags("operations"))]
pub(crate) async fn ready(app: AppState, draining: Draining) -> Readiness {
    Readiness(!draining.started() && health::is_ready(&app).await)
}

/// Shows how the platform is: database, Redis, workers, scheduler, jobs and ledger. For staff.
#[endpoint(tags("operations"))]
pub(crate) async fn detailed(app: AppState, _staff: Staff) -> ApiResult<Json<HealthOut>> {
    let health = health::detailed(&app).await;
    let check = |check: &health::Check| {
        (check.name, CheckOut { ok: check.ok, age_seconds: check.age_seconds })
    };
    Ok(Json(HealthOut {
        status: health.status(),
        checks: health.checks.iter().map(check).collect(),
    }))
}

#[async_trait]
impl Writer for Readiness {
    async fn write(self, _req: &mut Request, _depot: &mut Depot, res: &mut Response) {
        let (code, status) = if self.0 {
            (StatusCode::OK, "ready")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready")
        };
        res.status_code(code);
        res.render(Json(StatusOut { status }));
    }
}

impl EndpointOutRegister for Readiness {
    fn register(components: &mut Components, operation: &mut Operation) {
        for (code, meaning) in [("200", "Ready"), ("503", "Not ready")] {
            let content = Content::new(StatusOut::to_schema(components));
            operation
                .responses
                .insert(code, ResponseDoc::new(meaning).add_content("application/json", content));
        }
    }
}
