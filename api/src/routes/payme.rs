//! Payme's address: its own protocol, HTTP 200 whatever arrives.

use salvo::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use salvo::{Request, Response, handler};
use shared::payments::providers::payme::{self, Delivery};

use crate::prelude::*;

/// Payme's Merchant API (JSON-RPC 2.0 with named parameters, HTTP Basic), not for browsers: always HTTP 200, also for
/// a wrong key, a malformed body or another method; the body has `result` or `error`.
#[endpoint(tags("webhooks"), responses((status_code = 200, description = "A JSON-RPC answer: `result` or `error`")))]
pub(crate) async fn call(app: AppState, caller: Caller, req: &mut Request, res: &mut Response) {
    let authorization =
        req.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let delivery = match req.payload_with_max_size(payme::BODY_MAX).await {
        Ok(body) => Delivery::Post(body),
        Err(error) => {
            tracing::debug!(target: "http", %error, "the body was not read");
            Delivery::Unreadable
        }
    };
    let answer =
        payme::answer(&app, delivery, authorization.as_deref(), caller.0.ip.as_deref()).await;
    send(res, answer);
}

/// Any method but POST.
#[handler]
pub(crate) async fn other_method(app: AppState, caller: Caller, res: &mut Response) {
    let answer = payme::answer(&app, Delivery::NotPost, None, caller.0.ip.as_deref()).await;
    send(res, answer);
}

fn send(res: &mut Response, answer: Vec<u8>) {
    res.headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    res.body(answer);
}
