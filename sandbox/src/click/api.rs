//! Click's Merchant API: what the platform asks Click.

use salvo::http::StatusCode;
use salvo::writing::Json;
use salvo::{Depot, Request, Response, Router, handler};
use serde_json::{Value, json};

use super::book::{Payment, PaymentStatus};
use crate::signatures::sha1;
use crate::world::{World, lock};

/// Every call, under `api` and, as in production, `api/v2/merchant`.
pub(crate) fn router() -> Router {
    Router::with_path("api").push(calls()).push(Router::with_path("v2/merchant").push(calls()))
}

fn calls() -> Router {
    let at = Router::with_path;
    Router::new()
        .push(at("invoice/create").post(create_invoice))
        .push(at("invoice/status/{service}/{id}").get(invoice_status))
        .push(at("payment/status/{service}/{id}").get(payment_status))
        .push(at("payment/status_by_mti/{service}/{order}/{day}").get(status_by_order))
        .push(at("payment/reversal/{service}/{id}").delete(reverse))
}

/// What a call comes to: an answer, or Click's code with its words.
type Outcome = Result<Value, (StatusCode, i64, &'static str)>;

const NOT_FOUND: (StatusCode, i64, &str) = (StatusCode::NOT_FOUND, -16, "Payment not found");

#[handler]
async fn create_invoice(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let world = World::of(depot);
    let outcome = match admit(&world, req) {
        Ok(()) => match req.payload().await {
            Ok(body) => new_invoice(&world, &serde_json::from_slice(body).unwrap_or_default()),
            Err(_) => Err((StatusCode::BAD_REQUEST, -8, "Error in request")),
        },
        Err(refusal) => Err(refusal),
    };
    answer(res, outcome);
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

#[handler]
async fn invoice_status(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let world = World::of(depot);
    let outcome = admitted(&world, req).and_then(|()| {
        let (id, book) = (number(req), lock(&world.click));
        let invoice = book.invoices.iter().find(|found| Some(found.id) == id).ok_or(NOT_FOUND)?;
        let paid = book
            .payments
            .iter()
            .any(|payment| payment.order == invoice.order && payment.status == PaymentStatus::Paid);
        let (status, note) = if paid { (1, "Paid") } else { (0, "Pending") };
        Ok(json!({ "error_code": 0, "error_note": "", "invoice_status": status,
            "invoice_status_note": note }))
    });
    answer(res, outcome);
}

#[handler]
async fn payment_status(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let world = World::of(depot);
    let outcome = admitted(&world, req).and_then(|()| {
        let (id, book) = (number(req), lock(&world.click));
        book.payments.iter().find(|found| Some(found.id) == id).map(shown).ok_or(NOT_FOUND)
    });
    answer(res, outcome);
}

/// The newest payment of an order on a day; a paid one comes first.
#[handler]
async fn status_by_order(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let world = World::of(depot);
    let outcome = admitted(&world, req).and_then(|()| {
        let order = req.param::<String>("order").unwrap_or_default();
        let day = req.param::<String>("day").unwrap_or_default();
        let book = lock(&world.click);
        let of_day =
            || book.payments.iter().rev().filter(|found| found.order == order && found.day == day);
        let paid = of_day().find(|found| found.status == PaymentStatus::Paid);
        paid.or_else(|| of_day().next()).map(shown).ok_or(NOT_FOUND)
    });
    answer(res, outcome);
}

#[handler]
async fn reverse(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let world = World::of(depot);
    let outcome = admitted(&world, req).and_then(|()| {
        let (id, mut book) = (number(req), lock(&world.click));
        let found = book.payments.iter_mut().find(|found| Some(found.id) == id);
        let payment = found.ok_or(NOT_FOUND)?;
        if payment.status != PaymentStatus::Paid {
            return Err((StatusCode::BAD_REQUEST, -9, "Transaction cancelled"));
        }
        payment.status = PaymentStatus::Reversed;
        Ok(json!({ "error_code": 0, "error_note": "Success", "payment_id": payment.id }))
    });
    answer(res, outcome);
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
