//! Multicard's callbacks for Uzcard and Humo: the answer is the result, and anything but 200 gives the payer their money
//! back.

use salvo::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use salvo::http::{ParseError, StatusCode, mime};
use salvo::{Request, Response};
use shared::App;
use shared::payments::providers::Provider;
use shared::payments::providers::multicard::callback::{self, BODY_MAX, Delivery};

use crate::prelude::*;

/// Multicard's callback for a deposit by Uzcard, not for browsers: signed in the body, in the success mode (MD5) or the
/// webhooks mode (SHA-1). 200 once the money is on the balance; 400, 403, 404, 409, 413, 415, 422 or 503 when it is not.
#[endpoint(tags("webhooks"), responses((status_code = 200, description = "The money is on the balance")))]
pub(crate) async fn uzcard(app: AppState, caller: Caller, req: &mut Request, res: &mut Response) {
    call(&app, Provider::Uzcard, &caller, req, res).await;
}

/// Multicard's callback for a deposit by Humo: the same as for Uzcard.
#[endpoint(tags("webhooks"), responses((status_code = 200, description = "The money is on the balance")))]
pub(crate) async fn humo(app: AppState, caller: Caller, req: &mut Request, res: &mut Response) {
    call(&app, Provider::Humo, &caller, req, res).await;
}

async fn call(
    app: &App,
    provider: Provider,
    caller: &Caller,
    req: &mut Request,
    res: &mut Response,
) {
    let json = is_plain_json(req);
    let delivery = match req.payload_with_max_size(BODY_MAX).await {
        Ok(body) if json => Delivery::Json(body),
        Ok(_) => Delivery::NotJson,
        Err(ParseError::PayloadTooLarge) => Delivery::TooLarge,
        Err(error) => {
            tracing::debug!(target: "http", %error, "the body was not read");
            Delivery::Broken
        }
    };
    let answer = callback::answer(app, provider, delivery, caller.0.ip.as_deref()).await;
    res.status_code(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE));
    res.headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    res.body(answer.body);
}

/// JSON as it is: nothing is unpacked for a caller.
fn is_plain_json(req: &Request) -> bool {
    let header = |name| req.headers().get(name).and_then(|value| value.to_str().ok());
    let plain = header(CONTENT_ENCODING)
        .is_none_or(|encoding: &str| encoding.eq_ignore_ascii_case("identity"));
    let kind = header(CONTENT_TYPE).and_then(|text| text.parse::<mime::Mime>().ok());
    plain && kind.is_some_and(|kind| kind.essence_str() == mime::APPLICATION_JSON.essence_str())
}
