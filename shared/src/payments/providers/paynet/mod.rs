//! Paynet's web service: Paynet calls one address of ours with JSON-RPC 2.0, and the answer is the result.
//!
//! ```text
//!            Perform           Cancel, while the balance covers it
//!   (none) ─────────▶  1  ─────────────▶  2
//! ```
//!
//! One call both begins a deposit and pays it. The same `transactionId` again is error 201 and nothing else: Paynet then
//! asks `CheckTransaction`. Whatever arrives is answered with HTTP 200 and an RPC envelope, but for a wrong login or
//! password, which is 401. One call is one transaction, which also writes `webhook_calls`.

mod authorize;
mod cancel;
mod check;
mod errors;
mod information;
mod link;
mod order;
mod perform;
mod record;
mod row;
mod rpc;
mod statement;
mod times;

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

const PROVIDER: Provider = Provider::Paynet;

/// The provider's code: of the payment method, of the ledger account, of the actor.
const CODE: &str = PROVIDER.as_str();

/// The longest body that is read.
pub const BODY_MAX: usize = 64 * 1024;

/// The status of an answer to whoever is not Paynet.
pub const UNAUTHORIZED: u16 = 401;
/// The status of all other answers.
const OK: u16 = 200;

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

/// What goes back.
#[derive(Debug)]
pub struct Reply {
    /// 200, or [`UNAUTHORIZED`].
    pub status: u16,
    /// JSON.
    pub body: Vec<u8>,
}

/// Shows the calls that work and those that fail by our fault, before there is one.
pub(crate) fn show_zeros() {
    for method in Method::ALL {
        for outcome in ["ok".to_owned(), Refusal::internal().code.to_string()] {
            metrics::WEBHOOK_CALLS.with_label_values(&[CODE, method.as_str(), outcome.as_str()]);
        }
    }
}

/// Answers one call.
pub async fn answer(
    app: &App,
    delivery: Delivery<'_>,
    authorization: Option<&str>,
    ip: Option<&str>,
) -> Reply {
    let raw = match delivery {
        Delivery::Post(raw) => raw,
        Delivery::Unreadable => &[],
        Delivery::NotPost => {
            let answer = Err(Refusal::not_post());
            finished("none", None, &answer);
            return reply(&Value::Null, &answer);
        }
    };
    let paynet = &app.settings.paynet;
    let mut request = Request::read(raw, &paynet.service_id);
    let theirs = comes_from(app, PROVIDER, ip);
    if !theirs || !authorize::is_paynet(paynet, authorization) {
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
    reply(&request.id, &answer)
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
        Call::Information(account) => information::run(tx, account).await,
        Call::Perform(params) => perform::run(tx, app, params).await,
        Call::Check(id) => check::run(tx, *id).await,
        Call::Cancel(id) => cancel::run(tx, app, *id).await,
        Call::Statement(params) => statement::run(tx, params).await,
    }
}

/// Nothing was committed, or we do not know: Paynet asks `CheckTransaction`. Whoever is not Paynet stays refused. The
/// record is written if that is possible.
async fn failed(app: &App, record: &Record<'_>, error: &Error) -> Answer {
    tracing::error!(target: "payments", provider = CODE, method = record.request.label(), error = error.causes(), "a Paynet call failed");
    let stranger =
        record.request.call.as_ref().is_err_and(|refusal| *refusal == Refusal::unauthorized());
    let answer: Answer = Err(if stranger { Refusal::unauthorized() } else { Refusal::internal() });
    if let Err(lost) =
        app.db.transaction(async |tx| record::record(tx, record, &answer).await).await
    {
        tracing::warn!(target: "payments", provider = CODE, error = lost.causes(), "the failed call is not on record");
    }
    answer
}

fn finished(method: &'static str, payment: Option<i64>, answer: &Answer) {
    let outcome =
        answer.as_ref().map_or_else(|refusal| refusal.code.to_string(), |_result| "ok".to_owned());
    metrics::WEBHOOK_CALLS.with_label_values(&[CODE, method, outcome.as_str()]).inc();
    tracing::info!(target: "payments", provider = CODE, method, outcome, paynet = payment, "provider call");
}

/// The HTTP status of an answer.
fn status(answer: &Answer) -> u16 {
    let stranger = answer.as_ref().is_err_and(|refusal| *refusal == Refusal::unauthorized());
    if stranger { UNAUTHORIZED } else { OK }
}

fn reply(id: &Value, answer: &Answer) -> Reply {
    Reply { status: status(answer), body: rpc::render(id, answer).to_string().into_bytes() }
}
