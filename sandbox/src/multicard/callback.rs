//! Multicard's calls to the platform, and what hangs on their answers.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::book::Mode;
use super::fields;
use super::model::{Payment, Status};
use super::order::{Call, Reply};
use super::problem::Problem;
use crate::signatures;
use crate::world::{World, lock};

/// How often a webhook that was not taken is sent again.
const REPEATS: u32 = 5;

/// A payment from the card to the platform's answer.
pub(crate) async fn pay(
    world: &Arc<World>,
    invoice: &str,
    number: &str,
    again: bool,
) -> Result<Payment, Problem> {
    let (uuid, mode) = {
        let mut book = lock(&world.multicard);
        (book.begin_payment(world, invoice, number, again)?, book.mode)
    };
    match mode {
        Mode::Success => confirm(world, &uuid).await,
        Mode::Webhooks => {
            tell(world, &uuid, Status::Progress).await?;
            tell(world, &uuid, Status::Success).await
        }
    }
}

/// The bank has refused the card.
pub(crate) async fn decline(
    world: &Arc<World>,
    invoice: &str,
    number: &str,
) -> Result<Payment, Problem> {
    let (uuid, mode) = {
        let mut book = lock(&world.multicard);
        (book.begin_payment(world, invoice, number, false)?, book.mode)
    };
    match mode {
        Mode::Success => lock(&world.multicard).mark(world, &uuid, Status::Error),
        Mode::Webhooks => tell(world, &uuid, Status::Error).await,
    }
}

/// Tells the platform in the background that a payment has changed, where Multicard does so.
pub(crate) fn tell_soon(world: &Arc<World>, payment: Payment) {
    if lock(&world.multicard).mode == Mode::Webhooks {
        let world = Arc::clone(world);
        tokio::spawn(async move { repeat(&world, &payment).await });
    }
}

/// Success mode: the platform's answer decides whether the payer's money stays.
async fn confirm(world: &Arc<World>, uuid: &str) -> Result<Payment, Problem> {
    let payment = lock(&world.multicard).mark(world, uuid, Status::Billing)?;
    if let Some(wait) = ordered_delay(world, &payment) {
        let (world, later) = (Arc::clone(world), payment.clone());
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            conclude(&world, &later, Reply::Proper).await
        });
        return Ok(payment);
    }
    let reply = lock(&world.multicard).ordered(Call::Callback, uuid).reply;
    conclude(world, &payment, reply).await
}

async fn conclude(world: &World, payment: &Payment, reply: Reply) -> Result<Payment, Problem> {
    let answer = send(world, payment, reply).await;
    let mut book = lock(&world.multicard);
    match answer {
        Ok(()) => book.mark(world, &payment.uuid, Status::Success),
        Err(message) => {
            book.payment(&payment.uuid)?.callback_message = Some(message);
            book.mark(world, &payment.uuid, Status::Revert)
        }
    }
}

/// The delay that the next callback was ordered to have, when that is what was ordered.
fn ordered_delay(world: &World, payment: &Payment) -> Option<Duration> {
    let mut book = lock(&world.multicard);
    let next = book.peek(Call::Callback, &payment.uuid)?;
    let Reply::Late { millis } = next.reply else { return None };
    book.ordered(Call::Callback, &payment.uuid);
    Some(Duration::from_millis(millis))
}

/// Webhooks mode: the change is a fact, and the platform hears of it until it listens.
async fn tell(world: &World, uuid: &str, status: Status) -> Result<Payment, Problem> {
    let payment = lock(&world.multicard).mark(world, uuid, status)?;
    repeat(world, &payment).await;
    Ok(payment)
}

async fn repeat(world: &World, payment: &Payment) {
    for turn in 0..=REPEATS {
        if deliver(world, payment).await.is_ok() {
            return;
        }
        if turn < REPEATS {
            tokio::time::sleep(world.settings.redeliver_after).await;
        }
    }
}

/// One call, as ordered; the error says why the platform has not taken it.
pub(crate) async fn deliver(world: &World, payment: &Payment) -> Result<(), String> {
    let order = lock(&world.multicard).ordered(Call::Callback, &payment.uuid);
    send(world, payment, order.reply).await
}

async fn send(world: &World, payment: &Payment, reply: Reply) -> Result<(), String> {
    let (mut told, mut forged) = (payment.clone(), false);
    match reply {
        Reply::Silence | Reply::Cut => return Ok(()),
        Reply::Late { millis } => tokio::time::sleep(Duration::from_millis(millis)).await,
        Reply::Garbage => forged = true,
        Reply::Says { status, amount } => {
            told.status = status.unwrap_or(told.status);
            told.amount = amount.unwrap_or(told.amount);
        }
        Reply::Proper | Reply::Status(_) | Reply::DebitUnknown | Reply::Refusal(_) => {}
    }
    let mode = lock(&world.multicard).mode;
    let mut body = body(world, &told, mode);
    if forged {
        body["sign"] = Value::from("0".repeat(if mode == Mode::Success { 32 } else { 40 }));
    }
    let what = match mode {
        Mode::Success => "success callback".to_owned(),
        Mode::Webhooks => format!("webhook: {}", told.status.word()),
    };
    let request = world.http.post(world.callback(&payment.callback_url));
    let request = request.header("Content-Type", "application/json");
    let call = world.call("multicard", what, body.to_string(), request).await;
    match (call.status, mode) {
        (Some(200), Mode::Success) | (Some(200..=299), Mode::Webhooks) => Ok(()),
        (Some(status), _) => Err(format!("HTTP {status}: {}", call.reply)),
        (None, _) => Err(call.reply),
    }
}

fn body(world: &World, payment: &Payment, mode: Mode) -> Value {
    let settings = &world.settings;
    let secret = settings.multicard_callback_secret.as_ref().unwrap_or(&settings.multicard_secret);
    let (amount, id) = (payment.amount.to_string(), &payment.invoice_id);
    let card = payment.card.as_ref();
    let mut body = json!({
        "uuid": payment.uuid,
        "amount": payment.amount,
        "invoice_id": id,
        "billing_id": null,
        "payment_time": payment.payment_time,
        "phone": "998901234567",
        "card_pan": card.map(|card| &card.masked),
        "ps": card.map(|card| card.network.word()),
        "card_token": card.map(|card| &card.token),
        "receipt_url": null,
    });
    let sign = match mode {
        Mode::Success => {
            let store = &settings.multicard_store;
            body["store_id"] = fields::store(store);
            signatures::md5(&[store, id, &amount, secret])
        }
        Mode::Webhooks => {
            body["status"] = Value::from(payment.status.word());
            body["refund_time"] = json!(payment.refund_time);
            signatures::sha1(&[&payment.uuid, id, &amount, secret])
        }
    };
    body["sign"] = Value::from(sign);
    body
}
