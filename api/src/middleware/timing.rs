//! In development an answer says what it has cost: browsers show it with the request.

use salvo::http::header::{HeaderName, HeaderValue};
use salvo::{Depot, FlowCtrl, Request, Response, handler};
use shared::telemetry::timing;

static SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Counts what the rest of the request asks of the database and of caches.
#[handler]
pub(crate) async fn server_timing(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
    ctrl: &mut FlowCtrl,
) {
    let (_more, measured) = timing::measure(ctrl.call_next(req, depot, res)).await;
    if let Ok(value) = HeaderValue::from_str(&measured.header()) {
        res.headers_mut().insert(&SERVER_TIMING, value);
    }
}
