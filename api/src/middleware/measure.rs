//! The access log and the request metrics: one line and two figures per request.

use std::time::Instant;

use salvo::http::{Method, StatusCode};
use salvo::{Depot, FlowCtrl, Request, Response, handler};
use shared::telemetry::sentry::{Ended, Piece};
use shared::telemetry::{metrics, trace};

use crate::error::kind;

/// Measures and logs the rest of the request.
#[handler]
pub(crate) async fn observe(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
    ctrl: &mut FlowCtrl,
) {
    let (method, route) = (method(req.method()), route(req));
    let name = format!("{method} {route}");
    let piece = Piece::begin("http.server", &name, trace::current().as_deref());
    let started = Instant::now();
    Piece::run(piece.as_ref(), ctrl.call_next(req, depot, res)).await;
    let elapsed = started.elapsed();

    let status = res.status_code.unwrap_or(StatusCode::OK);
    if let Some(piece) = piece {
        piece.end(kind(status).map_or(Ended::Well, Ended::Failed));
    }
    metrics::HTTP_REQUESTS.with_label_values(&[method, &route, status.as_str()]).inc();
    metrics::observe(&metrics::HTTP_SECONDS, &[method, &route], elapsed);
    // The query stays out of the log: it may hold what is nobody's business.
    let (path, ms, status) = (req.uri().path(), elapsed.as_millis(), status.as_u16());
    tracing::info!(target: "http", method, route, status, ms, "{method} {path} {status} in {ms} ms");
}

/// The route's template, so that a label never holds an id.
fn route(req: &Request) -> String {
    match req.matched_path() {
        "" => "unmatched".to_owned(),
        template => format!("/{}", template.trim_matches('/')),
    }
}

/// The method, if it is one that exists: a label is not for callers to invent.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}
