//! Paynet's address: its own protocol; HTTP 401 for a wrong login, 200 whatever else arrives.

use salvo::http::StatusCode;
use salvo::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use salvo::{Request, Response, handler};
use shared::payments::providers::paynet::{self, Delivery, Reply};

use crate::prelude::*;

/// How to authorize oneself.
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"paynet\", charset=\"UTF-8\"");

/// Paynet's web service (JSON-RPC 2.0, HTTP Basic), not for browsers: HTTP 200 with `result` or `error`, also for a
/// malformed body or another method; 401 for a wrong login or password.
#[endpoint(tags("webhooks"), responses(
    (status_code = 200, description = "A JSON-RPC answer: `result` or `error`"),
    (status_code = 401, description = "A JSON-RPC answer: error 412")
))]
pub(crate) async fn call(app: AppState, caller: Caller, req: &mut Request, res: &mut Response) {
    let authorization =
        req.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let delivery = match req.payload_with_max_size(paynet::BODY_MAX).await {
        Ok(body) => Delivery::Post(body),
        Err(error) => {
            tracing::debug!(target: "http", %error, "the body was not read");
            Delivery::Unreadable
        }
    };
    let answer =
        paynet::answer(&app, delivery, authorization.as_deref(), caller.0.ip.as_deref()).await;
    send(res, answer);
}

/// Any method but POST.
#[handler]
pub(crate) async fn other_method(app: AppState, caller: Caller, res: &mut Response) {
    let answer = paynet::answer(&app, Delivery::NotPost, None, caller.0.ip.as_deref()).await;
    send(res, answer);
}

fn send(res: &mut Response, answer: Reply) {
    if answer.status == paynet::UNAUTHORIZED {
        res.status_code(StatusCode::UNAUTHORIZED);
        res.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    res.headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    res.body(answer.body);
}
