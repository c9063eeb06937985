//! Click's Merchant API: what the platform asks Click, what was ordered, and what is heard of it.

use std::sync::Arc;

use salvo::http::StatusCode;
use salvo::http::header::{CONTENT_TYPE, HeaderValue};
use salvo::writing::Json;
use salvo::{Depot, FlowCtrl, Handler, Request, Response, Router, async_trait};
use serde_json::{Value, json};

use super::book::{Book, Payment, PaymentStatus};
use super::order::{ClickCall, ClickReply};
use crate::signatures::sha1;
use crate::world::{World, lock};

/// Every call, under `api` and, as in production, `api/v2/merchant`.
pub(crate) fn router() -> Router {
    Router::with_path("api").push(calls()).push(Router::with_path("v2/merchant").push(calls()))
}

fn calls() -> Router {
    let at = Router::with_path;
    Router::new()
        .push(at("invoice/create").post(Endpoint(ClickCall::CreateInvoice)))
        .push(at("invoice/status/{service}/{id}").get(Endpoint(ClickCall::InvoiceStatus)))
        .push(at("payment/status/{service}/{id}").get(Endpoint(ClickCall::PaymentStatus)))
        .push(
            at("payment/status_by_mti/{service}/{order}/{day}")
                .get(Endpoint(ClickCall::StatusByOrder)),
        )
        .push(at("payment/reversal/{service}/{id}").delete(Endpoint(ClickCall::Reversal)))
}

/// What a call comes to: an answer, or Click's code with its words.
type Outcome = Result<Value, (StatusCode, i64, &'static str)>;

const NOT_FOUND: (StatusCode, i64, &str) = (StatusCode::NOT_FOUND, -16, "Payment not found");

/// One call of the API.
struct Endpoint(ClickCall);

#[async_trait]
impl Handler for Endpoint {
    async fn handle(
        &self,
        req: &mut Request,
        depot: &mut Depot,
        res: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        let world = World::of(depot);
        let order = lock(&world.click).ordered(self.0);
        let outcome = match &order.reply {
            ClickReply::Refusal(code) => Err((StatusCode::BAD_REQUEST, *code, "Refused")),
            _ if !order.done => Err((StatusCode::BAD_REQUEST, -8, "Error in request")),
            _ => carry_out(self.0, &world, req).await,
        };
        match order.reply {
            ClickReply::Silence => {
                tokio::time::sleep(world.settings.silence).await;
                ctrl.conn().abort();
            }
            ClickReply::Cut => ctrl.conn().abort(),
            ClickReply::Status(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                page(res, status);
            }
            ClickReply::Garbage => page(res, StatusCode::OK),
            ClickReply::Says { status, amount } => {
                answer(res, outcome.map(|body| contradicted(body, status, amount.as_deref())));
            }
            ClickReply::Terse => answer(res, outcome.map(terse)),
            ClickReply::Proper | ClickReply::Refusal(_) => answer(res, outcome),
        }
    }
}

async fn carry_out(call: ClickCall, world: &Arc<World>, req: &mut Request) -> Outcome {
    if call == ClickCall::CreateInvoice {
        admit(world, req)?;
        let body = req.payload().await;
        let body = body.map_err(|_| (StatusCode::BAD_REQUEST, -8, "Error in request"))?;
        return new_invoice(world, &serde_json::from_slice(body).unwrap_or_default());
    }
    admitted(world, req)?;
    let mut book = lock(&world.click);
    match call {
        ClickCall::CreateInvoice => Err(NOT_FOUND),
        ClickCall::InvoiceStatus => invoice_status(&book, number(req)),
        ClickCall::PaymentStatus => {
            let id = number(req);
            book.payments.iter().find(|found| Some(found.id) == id).map(shown).ok_or(NOT_FOUND)
        }
        ClickCall::StatusByOrder => status_by_order(&book, req),
        ClickCall::Reversal => reverse(&mut book, number(req)),
    }
}

fn new_invoice(world: &World, body: &Value) -> Outcome {
    let bad = (StatusCode::BAD_REQUEST, -8, "Error in request");
    let text = |name: &str| match body.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    if text("service_id").as_deref() != Some(world.settings.click_service.as_str()) {
        return Err(bad);
    }
    text("amount").ok_or(bad)?;
    text("phone_number").ok_or(bad)?;
    let order = text("merchant_trans_id").ok_or(bad)?;
    let id = lock(&world.click).invoice(&order);
    Ok(json!({ "error_code": 0, "error_note": "", "invoice_id": id }))
}

fn invoice_status(book: &Book, id: Option<i64>) -> Outcome {
    let invoice = book.invoices.iter().find(|found| Some(found.id) == id).ok_or(NOT_FOUND)?;
    let paid = book
        .payments
        .iter()
        .any(|payment| payment.order == invoice.order && payment.status == PaymentStatus::Paid);
    let (status, note) = if paid { (1, "Paid") } else { (0, "Pending") };
    Ok(json!({ "error_code": 0, "error_note": "", "invoice_status": status,
        "invoice_status_note": note }))
}

/// The newest payment of an order on a day; a paid one comes first.
fn status_by_order(book: &Book, req: &Request) -> Outcome {
    let order = req.param::<String>("order").unwrap_or_default();
    let day = req.param::<String>("day").unwrap_or_default();
    let of_day =
        || book.payments.iter().rev().filter(|found| found.order == order && found.day == day);
    let paid = of_day().find(|found| found.status == PaymentStatus::Paid);
    paid.or_else(|| of_day().next()).map(shown).ok_or(NOT_FOUND)
}

fn reverse(book: &mut Book, id: Option<i64>) -> Outcome {
    let found = book.payments.iter_mut().find(|found| Some(found.id) == id);
    let payment = found.ok_or(NOT_FOUND)?;
    if payment.status != PaymentStatus::Paid {
        return Err((StatusCode::BAD_REQUEST, -9, "Transaction cancelled"));
    }
    payment.status = PaymentStatus::Reversed;
    Ok(json!({ "error_code": 0, "error_note": "Success", "payment_id": payment.id }))
}

/// The same answer with another status or amount.
fn contradicted(mut body: Value, status: Option<PaymentStatus>, amount: Option<&str>) -> Value {
    if let Some(status) = status {
        body["payment_status"] = Value::from(status.number());
    }
    if let Some(amount) = amount {
        body["amount"] = Value::from(amount);
    }
    body
}

/// The same answer without what only some calls tell.
fn terse(mut body: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.remove("payment_status");
        members.remove("amount");
    }
    body
}

fn shown(payment: &Payment) -> Value {
    json!({
        "error_code": 0,
        "error_note": "Success",
        "payment_id": payment.id,
        "payment_status": payment.status.number(),
        "merchant_trans_id": payment.order,
        "amount": payment.amount,
    })
}

fn number(req: &Request) -> Option<i64> {
    req.param::<String>("id").and_then(|id| id.parse().ok())
}

/// Whether the caller may, and names our service in its path.
fn admitted(world: &World, req: &Request) -> Result<(), (StatusCode, i64, &'static str)> {
    admit(world, req)?;
    let service = req.param::<String>("service").unwrap_or_default();
    if service == world.settings.click_service { Ok(()) } else { Err(NOT_FOUND) }
}

/// `Auth: {user}:{sha1(timestamp + key)}:{timestamp}`
fn admit(world: &World, req: &Request) -> Result<(), (StatusCode, i64, &'static str)> {
    let header = req.headers().get("auth").and_then(|value| value.to_str().ok());
    let mut parts = header.unwrap_or_default().split(':');
    let (user, digest, time) = (parts.next(), parts.next(), parts.next());
    let is_time = |time: &str| time.len() == 10 && time.bytes().all(|byte| byte.is_ascii_digit());
    let right = match (user, digest, time, parts.next()) {
        (Some(user), Some(digest), Some(time), None) if !user.is_empty() && is_time(time) => {
            let known = world.settings.click_user.as_ref().is_none_or(|ours| ours == user);
            known && digest == sha1(&[time, &world.settings.click_key])
        }
        _ => false,
    };
    if right { Ok(()) } else { Err((StatusCode::UNAUTHORIZED, -1, "Authorization failed")) }
}

fn answer(res: &mut Response, outcome: Outcome) {
    match outcome {
        Ok(body) => res.render(Json(body)),
        Err((status, code, note)) => {
            res.status_code(status);
            res.render(Json(json!({ "error_code": code, "error_note": note })));
        }
    }
}

fn page(res: &mut Response, status: StatusCode) {
    res.status_code(status);
    res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    res.body("<html><body><h1>nginx</h1></body></html>");
}
