//! Rate limits: a request over its group's limit is answered 429 before anything is computed or read for it.

use salvo::http::header::{HeaderMap, HeaderName, HeaderValue};
use salvo::{Depot, FlowCtrl, Request, Response, Writer as _, handler};
use shared::limits::{Subject, Verdict};
use shared::telemetry::metrics;
use shared::{App, Code, Error};

use super::tokens;
use crate::app::AppState;
use crate::error::ApiError;
use crate::extract::client_address;
use crate::limits::{By, Group};

static RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
static RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Counts the request in its route's group and lets it go on, or refuses it.
#[handler]
pub(crate) async fn limit(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
    ctrl: &mut FlowCtrl,
) {
    let group = Group::of(req.method(), req.matched_path());
    let app = match AppState::of(depot) {
        Ok(app) => app,
        Err(error) => {
            ApiError::from(error).write(req, depot, res).await;
            return ctrl.skip_rest();
        }
    };
    if let Some(rate) = group.rate(&app.settings.limits) {
        let subject = subject(group.by(), req, &app).await;
        let verdict = app.limits.take(group.name(), subject, rate).await;
        tell(group, &verdict, res.headers_mut());
        if !verdict.allowed {
            let error = Error::new(Code::RateLimited).after(verdict.reset_seconds());
            ApiError::from(error).write(req, depot, res).await;
            return ctrl.skip_rest();
        }
    }
    ctrl.call_next(req, depot, res).await;
}

async fn subject(by: By, req: &mut Request, app: &App) -> Subject {
    let known = match by {
        By::Address => None,
        By::Person => tokens::person(req, app).map(Subject::Person),
        By::Session => tokens::refresh_token(req)
            .await
            .and_then(|token| app.tokens.read_refresh(&token).ok())
            .map(|token| Subject::Session(token.session)),
    };
    let address = || {
        client_address(req, &app.settings.http.trusted_proxies)
            .map_or(Subject::Unknown, Subject::behind)
    };
    known.unwrap_or_else(address)
}

/// `RateLimit-Policy` and `RateLimit`, in the form of draft-ietf-httpapi-ratelimit-headers.
fn tell(group: Group, verdict: &Verdict, headers: &mut HeaderMap) {
    let (name, rate) = (group.name(), verdict.rate);
    let policy = format!("\"{name}\";q={};w={}", rate.quota, rate.window.as_secs());
    let state = format!("\"{name}\";r={};t={}", verdict.remaining, verdict.reset_seconds());
    for (header, text) in [(&RATELIMIT_POLICY, policy), (&RATELIMIT, state)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(header, value);
        }
    }
}

/// Shows every series of the limits before its first event.
pub(crate) fn show_zeros() {
    for group in Group::ALL {
        metrics::RATE_LIMITED.with_label_values(&[group.name()]);
    }
    for bucket in [shared::limits::WS, shared::limits::PICTURES] {
        metrics::RATE_LIMITED.with_label_values(&[bucket]);
    }
}
