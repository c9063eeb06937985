//! Multicard's calls to us, in both of its protocols.
//!
//! ```text
//!   read, signature ─▶ which deposit? ─▶ ask Multicard (no transaction) ─▶ lock, decide, credit, record ─▶ answer
//! ```
//!
//! The answer is the result: unless a success callback is answered with 200, Multicard gives the payer their money back.
//! So it is 200 only when the money is on the balance, committed, and never before Multicard has confirmed the payment.

mod apply;
mod read;
mod record;
mod refusal;
mod standing;

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use serde_json::{Value, json};

use super::super::Provider;
use super::super::from::comes_from;
use super::model::Entry;
use crate::App;
use crate::error::{Error, Result};
use crate::telemetry::metrics;
use apply::{Confirmed, apply};
use read::Callback;
use refusal::Refusal;
use standing::Standing;

/// The longest body that is read.
pub const BODY_MAX: usize = 64 * 1024;

/// What an address was called with.
#[derive(Clone, Copy, Debug)]
pub enum Delivery<'a> {
    /// A body that says it is JSON.
    Json(&'a [u8]),
    /// A body of another kind, or packed.
    NotJson,
    /// A body that is longer than [`BODY_MAX`].
    TooLarge,
    /// A body that broke off.
    Broken,
}

/// What Multicard is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// One call as it came.
struct Call<'a> {
    provider: Provider,
    raw: &'a [u8],
    ip: Option<&'a str>,
    callback: Result<Callback, Refusal>,
}

impl Call<'_> {
    /// The protocol, for labels and the record.
    fn method(&self) -> &'static str {
        self.callback.as_ref().map_or("unknown", |callback| callback.mode.as_str())
    }
}

/// Shows the calls that work and those that fail by our fault, before there is one.
pub(crate) fn show_zeros() {
    for provider in super::PROVIDERS {
        for method in ["success", "webhook"] {
            for outcome in ["ok", "503"] {
                metrics::WEBHOOK_CALLS.with_label_values(&[provider.as_str(), method, outcome]);
            }
        }
    }
}

/// Answers one call to the address of `provider`.
pub async fn answer(
    app: &App,
    provider: Provider,
    delivery: Delivery<'_>,
    ip: Option<&str>,
) -> Answer {
    let (raw, callback): (&[u8], _) = match delivery {
        Delivery::Json(raw) => (raw, read::read(raw, &app.settings.multicard)),
        Delivery::NotJson => (&[], Err(Refusal::NotJson)),
        Delivery::TooLarge => (&[], Err(Refusal::TooLarge)),
        Delivery::Broken => (&[], Err(Refusal::Malformed("body"))),
    };
    let theirs = comes_from(app, provider, ip);
    let callback = if theirs { callback } else { Err(Refusal::Forged) };
    let call = Call { provider, raw, ip, callback };
    let decided = AssertUnwindSafe(Box::pin(decide(app, &call))).catch_unwind().await;
    let answer = match decided.unwrap_or_else(|_panic| Err(Error::internal("the handler panicked")))
    {
        Ok(answer) => answer,
        Err(error) => failed(app, &call, &error).await,
    };
    let (status, body) = render(&answer);
    let outcome =
        answer.as_ref().map_or_else(|refusal| refusal.status().to_string(), |()| "ok".to_owned());
    let payment = call.callback.as_ref().ok().map(|callback| callback.uuid.as_str());
    metrics::WEBHOOK_CALLS
        .with_label_values(&[provider.as_str(), call.method(), outcome.as_str()])
        .inc();
    tracing::info!(target: "payments", provider = provider.as_str(), method = call.method(), outcome, multicard = payment, "provider call");
    Answer { status, body: body.to_string().into_bytes() }
}

fn render(answer: &Result<(), Refusal>) -> (u16, Value) {
    match answer {
        Ok(()) => (200, json!({ "success": true })),
        Err(refusal) => (refusal.status(), refusal.body()),
    }
}

/// Looks, asks Multicard where it must be asked, and decides under the locks.
async fn decide(app: &App, call: &Call<'_>) -> Result<Result<(), Refusal>> {
    let callback = match &call.callback {
        Ok(callback) => callback,
        Err(refusal) => return recorded(app, call, Err(refusal.clone())).await,
    };
    let standing = {
        let conn = &mut app.db.read().await?;
        Standing::find(conn, call.provider, callback, app.multicard.store()).await?
    };
    match standing {
        Standing::Settled(answer) => recorded(app, call, answer).await,
        Standing::Ask | Standing::Surplus => {
            let confirmed = confirm(app, callback).await;
            app.db
                .transaction(async |tx| {
                    let answer = apply(tx, app, call.provider, callback, &confirmed).await?;
                    record::record(tx, call, &answer).await?;
                    Ok(answer)
                })
                .await
        }
    }
}

/// What Multicard itself says about the payment.
async fn confirm(app: &App, callback: &Callback) -> Confirmed {
    match app.multicard.payment(&callback.uuid).await {
        Ok(Some(entry)) if is_this(&entry, callback, app.multicard.store()) => {
            Confirmed::Payment(entry.status)
        }
        Ok(Some(_) | None) => Confirmed::AnotherPayment,
        Err(failure) => {
            tracing::warn!(target: "payments", %failure, multicard = callback.uuid, "a payment could not be confirmed");
            Confirmed::Nothing
        }
    }
}

fn is_this(entry: &Entry, callback: &Callback, store: i64) -> bool {
    callback.deposit.is_some_and(|deposit| {
        entry.uuid == callback.uuid && entry.is_about(&deposit.to_string(), callback.amount, store)
    })
}

/// Records a call that changes nothing.
async fn recorded(
    app: &App,
    call: &Call<'_>,
    answer: Result<(), Refusal>,
) -> Result<Result<(), Refusal>> {
    app.db.transaction(async |tx| record::record(tx, call, &answer).await).await?;
    Ok(answer)
}

/// Nothing was committed, or we do not know: the payment is given back, or told again. The record is written if that
/// is possible.
async fn failed(app: &App, call: &Call<'_>, error: &Error) -> Result<(), Refusal> {
    tracing::error!(target: "payments", provider = call.provider.as_str(), error = error.causes(), "a callback of Multicard's failed");
    let answer = Err(Refusal::Unavailable);
    if let Err(lost) = app.db.transaction(async |tx| record::record(tx, call, &answer).await).await
    {
        tracing::warn!(target: "payments", error = lost.causes(), "the failed call is not on record");
    }
    answer
}
