//! The internal port of every process: metrics and health, never public.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{health, metrics, zeros};
use crate::App;
use crate::error::{Error, Result};

/// Database-derived gauges are read at most this often.
const REFRESH_EVERY: Duration = Duration::from_secs(2);
/// A database that takes longer leaves the gauges as they were: a scrape must not hang.
const REFRESH_MAX: Duration = Duration::from_secs(5);
/// A scraper that sends its request more slowly is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// A process's answer to "are you ready?".
pub type Readiness = Arc<dyn Fn() -> bool + Send + Sync>;

/// Serves `/metrics`, `/health/`, `/health/ready/` and `/health/detailed/` until the process ends.
///
/// # Errors
/// When the address is taken.
pub async fn serve_internal(address: SocketAddr, app: Arc<App>, ready: Readiness) -> Result<()> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Error::internal(format!("{address}: {error}")))?;
    metrics::register();
    zeros::of_a_process();
    let refreshed = Arc::new(Mutex::new(None));
    #[expect(
        clippy::disallowed_methods,
        reason = "the internal port belongs to the process, not to a request"
    )]
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(connection(
                        stream,
                        Arc::clone(&app),
                        Arc::clone(&ready),
                        Arc::clone(&refreshed),
                    ));
                }
                Err(error) => {
                    tracing::warn!(%error, "internal port");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(())
}

type Refreshed = Arc<Mutex<Option<Instant>>>;

async fn connection(stream: TcpStream, app: Arc<App>, ready: Readiness, refreshed: Refreshed) {
    let service = service_fn(|request: Request<Incoming>| {
        let (app, ready, refreshed) =
            (Arc::clone(&app), Arc::clone(&ready), Arc::clone(&refreshed));
        async move { answer(request.uri().path(), &app, &ready, &refreshed).await }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "internal connection");
    }
}

async fn answer(
    path: &str,
    app: &App,
    ready: &Readiness,
    refreshed: &Refreshed,
) -> Result<Response<Full<Bytes>>, hyper::http::Error> {
    let (status, kind, body) = match path.trim_end_matches('/') {
        "/metrics" => {
            refresh(app, refreshed).await;
            (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics::exposition())
        }
        "/health/detailed" => (StatusCode::OK, "application/json", detailed(app).await),
        "/health" => (StatusCode::OK, "application/json", br#"{"status":"ok"}"#.to_vec()),
        "/health/ready" if ready() => {
            (StatusCode::OK, "application/json", br#"{"status":"ready"}"#.to_vec())
        }
        "/health/ready" => (
            StatusCode::SERVICE_UNAVAILABLE,
            "application/json",
            br#"{"status":"not ready"}"#.to_vec(),
        ),
        _ => (StatusCode::NOT_FOUND, "application/json", br#"{"status":"not found"}"#.to_vec()),
    };
    Response::builder()
        .status(status)
        .header("content-type", kind)
        .body(Full::new(Bytes::from(body)))
}

/// The platform as this process sees it.
async fn detailed(app: &App) -> Vec<u8> {
    let health = health::detailed(app).await;
    let checks: serde_json::Map<_, _> = health
        .checks
        .iter()
        .map(|check| {
            (check.name.to_owned(), json!({ "ok": check.ok, "age_seconds": check.age_seconds }))
        })
        .collect();
    json!({ "status": health.status(), "checks": checks }).to_string().into_bytes()
}

/// Reads the database-derived gauges, unless another scrape just did. `database_gauges_read_timestamp` says how old they
/// are.
async fn refresh(app: &App, refreshed: &Refreshed) {
    let mut last = refreshed.lock().await;
    if last.is_some_and(|at| at.elapsed() < REFRESH_EVERY) {
        return;
    }
    let read = timeout(REFRESH_MAX, super::gauges::refresh(app)).await;
    if let Err(error) = read.unwrap_or_else(|late| Err(Error::unavailable(late))) {
        tracing::warn!(target: "db", error = %error.causes(), "database-derived gauges are stale");
    }
    *last = Some(Instant::now());
}
