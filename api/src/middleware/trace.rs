//! The id of a request: taken from a proxy when it is sane, echoed, and carried by logs and jobs.

use salvo::http::header::{HeaderName, HeaderValue};
use salvo::{Depot, FlowCtrl, Request, Response, handler};
use shared::telemetry::trace;
use tracing::Instrument as _;
use uuid::Uuid;

pub(super) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids are somebody's attempt to write our logs.
const ID_MAX: usize = 64;

/// Runs the rest of the request under its id.
#[handler]
pub(crate) async fn request_id(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
    ctrl: &mut FlowCtrl,
) {
    let given = req
        .headers()
        .get(&X_REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_sane(id));
    let id = given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    if let Ok(value) = HeaderValue::from_str(&id) {
        res.headers_mut().insert(&X_REQUEST_ID, value);
    }
    let span = tracing::info_span!("request", trace_id = id);
    trace::scope(id, ctrl.call_next(req, depot, res)).instrument(span).await;
}

fn is_sane(id: &str) -> bool {
    let fits = (1..=ID_MAX).contains(&id.len());
    fits && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::is_sane;

    #[test]
    fn only_a_short_plain_id_is_taken_over() {
        for (id, sane) in [
            ("abc-DEF_123", true),
            (&"a".repeat(64), true),
            (&"a".repeat(65), false),
            ("", false),
            ("a b", false),
            ("a\"b", false),
        ] {
            assert_eq!(is_sane(id), sane, "{id:?}");
        }
    }
}
