//! Payme's Merchant API: Payme calls one address of ours with JSON-RPC, and the answer is the result.
//!
//! ```text
//!            Create            Perform
//!   (none) ─────────▶  1  ─────────────▶  2
//!                      │                  │
//!     Cancel, or       │                  │ Cancel, while the balance covers it
//!     12 h (reason 4)  ▼                  ▼
//!                     -1                 -2
//! ```
//!
//! Whatever arrives is answered with HTTP 200 and Payme's own envelope. One call is one transaction, which also writes
//! `webhook_calls`; an RPC error is an ordinary answer, so what it caused (an expiry) is committed with it. A repeated
//! call gets the same bytes, because the times are stored.

mod authorize;
mod cancel;
mod check;
mod check_perform;
mod create;
mod errors;
mod fiscal;
mod link;
mod locked;
mod order;
mod perform;
mod record;
mod row;
mod rpc;
mod statement;
mod sweep;

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use serde_json::Value;

use super::Provider;
use super::from::comes_from;
use crate::error::{Error, Result};
use crate::telemetry::metrics;
use crate::{App, Tx};
use errors::Refusal;
use record::Record;
use rpc::{Answer, Call, Method, Request};

pub use link::link;
pub(in crate::payments) use sweep::expire_overdue;

const PROVIDER: Provider = Provider::Payme;

/// The provider's code: of the payment method, of the ledger account, of the actor.
const CODE: &str = PROVIDER.as_str();

/// The longest body that is read.
pub const BODY_MAX: usize = 64 * 1024;

/// What the address was called with.
#[derive(Clone, Copy, Debug)]
pub enum Delivery<'a> {
    /// A POST with this body.
    Post(&'a [u8]),
    /// A POST whose body is longer than [`BODY_MAX`], or broke off.
    Unreadable,
    /// Another HTTP method.
    NotPost,
}

/// Shows the calls that work and those that fail by our fault, before there is one.
pub(crate) fn show_zeros() {
    for method in Method::ALL {
        for outcome in ["ok".to_owned(), Refusal::internal().code.to_string()] {
            metrics::WEBHOOK_CALLS.with_label_values(&[CODE, method.as_str(), outcome.as_str()]);
        }
    }
}

/// Answers one call: always with a body for HTTP 200.
pub async fn answer(
    app: &App,
    delivery: Delivery<'_>,
    authorization: Option<&str>,
    ip: Option<&str>,
) -> Vec<u8> {
    let raw = match delivery {
        Delivery::Post(raw) => raw,
        Delivery::Unreadable => &[],
        Delivery::NotPost => {
            finished("none", None, &Err(Refusal::not_post()));
            return bytes(&Value::Null, &Err(Refusal::not_post()));
        }
    };
    let mut request = Request::read(raw);
    let theirs = comes_from(app, PROVIDER, ip);
    if !theirs || !authorize::is_payme(&app.settings.payme, authorization) {
        request.call = Err(Refusal::unauthorized());
    }
    let record = Record { request: &request, bytes: raw.len(), ip };
    let answered = AssertUnwindSafe(one_transaction(app, &record)).catch_unwind().await;
    let answer =
        match answered.unwrap_or_else(|_panic| Err(Error::internal("the handler panicked"))) {
            Ok(answer) => answer,
            Err(error) => failed(app, &record, &error).await,
        };
    finished(request.label(), request.call.as_ref().ok().and_then(Call::payment), &answer);
    bytes(&request.id, &answer)
}

/// Runs the call and records it, together.
async fn one_transaction(app: &App, record: &Record<'_>) -> Result<Answer> {
    app.db
        .transaction(async |tx| {
            let answer = match &record.request.call {
                Ok(call) => run(tx, app, call).await?,
                Err(refusal) => Err(refusal.clone()),
            };
            record::record(tx, record, &answer).await?;
            Ok(answer)
        })
        .await
}

async fn run(tx: &mut Tx, app: &App, call: &Call) -> Result<Answer> {
    match call {
        Call::CheckPerform(params) => check_perform::run(tx, app, params).await,
        Call::Create(params) => create::run(tx, app, params).await,
        Call::Perform(id) => perform::run(tx, app, id).await,
        Call::Cancel(params) => cancel::run(tx, params).await,
        Call::Check(id) => check::run(tx, id).await,
        Call::Statement(params) => statement::run(tx, params).await,
        Call::Fiscal(params) => fiscal::run(tx, params).await,
    }
}

/// Nothing was committed, or we do not know: Payme asks again, and a repeated call is safe. The record is written if
/// that is possible.
async fn failed(app: &App, record: &Record<'_>, error: &Error) -> Answer {
    tracing::error!(target: "payments", provider = CODE, method = record.request.label(), error = error.causes(), "a Payme call failed");
    let answer: Answer = Err(Refusal::internal());
    if let Err(lost) =
        app.db.transaction(async |tx| record::record(tx, record, &answer).await).await
    {
        tracing::warn!(target: "payments", provider = CODE, error = lost.causes(), "the failed call is not on record");
    }
    answer
}

fn finished(method: &'static str, payment: Option<&str>, answer: &Answer) {
    let outcome =
        answer.as_ref().map_or_else(|refusal| refusal.code.to_string(), |_result| "ok".to_owned());
    metrics::WEBHOOK_CALLS.with_label_values(&[CODE, method, outcome.as_str()]).inc();
    tracing::info!(target: "payments", provider = CODE, method, outcome, payme = payment, "provider call");
}

fn bytes(id: &Value, answer: &Answer) -> Vec<u8> {
    rpc::render(id, answer).to_string().into_bytes()
}
