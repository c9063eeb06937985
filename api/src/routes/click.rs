//! Click's addresses: its own protocol, HTTP 200 whatever arrives.

use salvo::http::header::{CONTENT_TYPE, HeaderValue};
use salvo::{Request, Response, handler};
use shared::payments::providers::click::{self, Action, Delivery};

use crate::prelude::*;

/// The only content that Click sends.
const FORM: &str = "application/x-www-form-urlencoded";

/// Click's SHOP-API, Prepare and Complete by their `action` (a form, signed with MD5), not for browsers: always HTTP 200,
/// also for a wrong signature, a malformed body or another method; the body has `error` and `error_note`.
#[endpoint(tags("webhooks"), responses((status_code = 200, description = "`error` is 0, or Click's code of what is wrong")))]
pub(crate) async fn call(app: AppState, caller: Caller, req: &mut Request, res: &mut Response) {
    serve(&app, &caller, req, res, None).await;
}

/// Click's Prepare alone: may this payer pay this order?
#[endpoint(tags("webhooks"), responses((status_code = 200, description = "`error` is 0, or Click's code of what is wrong")))]
pub(crate) async fn prepare(app: AppState, caller: Caller, req: &mut Request, res: &mut Response) {
    serve(&app, &caller, req, res, Some(Action::Prepare)).await;
}

/// Click's Complete alone: the payer has paid, or could not.
#[endpoint(tags("webhooks"), responses((status_code = 200, description = "`error` is 0, or Click's code of what is wrong")))]
pub(crate) async fn complete(app: AppState, caller: Caller, req: &mut Request, res: &mut Response) {
    serve(&app, &caller, req, res, Some(Action::Complete)).await;
}

/// Any method but POST.
#[handler]
pub(crate) async fn other_method(app: AppState, caller: Caller, res: &mut Response) {
    let answer = click::answer(&app, Delivery::NotPost, None, caller.0.ip.as_deref()).await;
    send(res, answer);
}

async fn serve(
    app: &AppState,
    caller: &Caller,
    req: &mut Request,
    res: &mut Response,
    only: Option<Action>,
) {
    let is_form = is_form(req);
    let delivery = match req.payload_with_max_size(click::BODY_MAX).await {
        Ok(body) if is_form => Delivery::Form(body),
        Ok(_) => Delivery::Unreadable,
        Err(error) => {
            tracing::debug!(target: "http", %error, "the body was not read");
            Delivery::Unreadable
        }
    };
    let answer = click::answer(app, delivery, only, caller.0.ip.as_deref()).await;
    send(res, answer);
}

/// A form says so; who says nothing is believed, because the signature decides.
fn is_form(req: &Request) -> bool {
    req.headers().get(CONTENT_TYPE).is_none_or(|value| {
        let kind = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case(FORM)
    })
}

fn send(res: &mut Response, answer: Vec<u8>) {
    res.headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    res.body(answer);
}
