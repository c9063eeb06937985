//! Click's SHOP-API: Click calls us before a payer pays (Prepare) and after (Complete); the answer is the result.
//!
//! ```text
//!           Prepare                  Complete, error = 0
//!   (none) ─────────▶ prepared ──────────────────────────▶ confirmed
//!                        │                                     ▲
//!     Complete,          │          Complete, error = 0,       │
//!     error < 0, or 24 h ▼          after 24 h                 │
//!                    cancelled ────────────────────────────────┘
//! ```
//!
//! Whatever arrives is answered with HTTP 200 and Click's own JSON. One call is one transaction, which also writes
//! `webhook_calls`. A deposit may have several prepared payments, because payers try again; the first that is confirmed
//! pays it. A Complete without an error means that the payer was debited: what cannot be credited opens a case.
//!
//! Where Click has opened its Merchant API to us, we call too: what became of a payment whose Complete was lost, and its
//! reversal.

mod answer;
mod complete;
mod doubt;
mod failure;
mod form;
mod link;
mod merchant_api;
mod order;
mod prepare;
mod record;
mod report;
mod request;
mod reversal;
mod row;
mod sign;
mod standing;
mod sweep;

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use serde_json::Map;

use super::Provider;
use super::from::comes_from;
use crate::error::{Error, Result};
use crate::payments::cases::{CaseKind, open_case};
use crate::telemetry::metrics;
use crate::{App, Tx};
use answer::{Answer, Refusal, outcome, render};
use record::Record;
use request::{Call, Request, Step};

pub use doubt::{Doubt, Sighting};
pub use link::link;
pub use merchant_api::{ClickApi, Told};
pub use report::{Comparison, Heard};
pub use request::Action;
pub use reversal::{Reversal, Reversed};
pub(in crate::payments) use row::Payment;
pub(in crate::payments) use sweep::expire_overdue;

const PROVIDER: Provider = Provider::Click;

/// The provider's code: of the payment method, of the ledger account, of the actor.
const CODE: &str = PROVIDER.as_str();

/// The longest body that is read.
pub const BODY_MAX: usize = 64 * 1024;

/// What an address was called with.
#[derive(Clone, Copy, Debug)]
pub enum Delivery<'a> {
    /// A POST of a form with this body.
    Form(&'a [u8]),
    /// A POST of something else, of more than [`BODY_MAX`], or one that broke off.
    Unreadable,
    /// Another HTTP method.
    NotPost,
}

/// Shows the calls that work and those that fail by our fault, before there is one.
pub(crate) fn show_zeros() {
    for action in Action::ALL {
        for outcome in [answer::OK.to_owned(), Refusal::Failed.code().to_string()] {
            metrics::WEBHOOK_CALLS.with_label_values(&[CODE, action.as_str(), outcome.as_str()]);
        }
    }
}

/// Answers one call: always with a body for HTTP 200. Some addresses are for one action only.
pub async fn answer(
    app: &App,
    delivery: Delivery<'_>,
    only: Option<Action>,
    ip: Option<&str>,
) -> Vec<u8> {
    let (mut request, bytes) = match delivery {
        Delivery::Form(raw) => (Request::read(&app.settings.click, raw, only), raw.len()),
        Delivery::Unreadable => (Request::unreadable(), 0),
        Delivery::NotPost => {
            finished("none", None, Err(Refusal::Request));
            return render(&Map::new(), Err(Refusal::Request)).to_string().into_bytes();
        }
    };
    if !comes_from(app, PROVIDER, ip) {
        (request.call, request.is_signed) = (Err(Refusal::Sign), false);
    }
    let record = Record { request: &request, bytes, ip };
    let answered = AssertUnwindSafe(one_transaction(app, &record)).catch_unwind().await;
    let answer =
        match answered.unwrap_or_else(|_panic| Err(Error::internal("the handler panicked"))) {
            Ok(answer) => answer,
            Err(error) => failed(app, &record, &error).await,
        };
    finished(request.label(), request.call.as_ref().ok(), answer);
    render(&request.ids(), answer).to_string().into_bytes()
}

/// Runs the call and records it, together.
async fn one_transaction(app: &App, record: &Record<'_>) -> Result<Answer> {
    app.db
        .transaction(async |tx| {
            let answer = match &record.request.call {
                Ok(call) => run(tx, app, call).await?,
                Err(refusal) => Err(*refusal),
            };
            record.write(tx, answer).await?;
            Ok(answer)
        })
        .await
}

async fn run(tx: &mut Tx, app: &App, call: &Call) -> Result<Answer> {
    match call.step {
        Step::Prepare => prepare::run(tx, call).await,
        Step::Complete(prepare_id) => complete::run(tx, app, call, prepare_id).await,
    }
}

/// Nothing was committed, or we do not know: a repeated call is safe. The record is written if that is possible, and a
/// case when the payer was debited, because Click may not come back.
async fn failed(app: &App, record: &Record<'_>, error: &Error) -> Answer {
    tracing::error!(target: "payments", provider = CODE, method = record.request.label(), error = error.causes(), "a Click call failed");
    let answer: Answer = Err(Refusal::Failed);
    let recorded = app.db.transaction(async |tx| {
        if let Ok(call) = &record.request.call
            && matches!(call.step, Step::Complete(_))
            && call.error >= 0
        {
            let deposit = order::find(tx, call.order).await?.map(|(deposit, _)| deposit.id);
            let _opened =
                open_case(tx, complete::new_case(CaseKind::NotRecorded, deposit, call)).await?;
        }
        record.write(tx, answer).await
    });
    if let Err(lost) = recorded.await {
        tracing::error!(target: "payments", provider = CODE, error = lost.causes(), "the failed call is not on record");
    }
    answer
}

fn finished(method: &'static str, call: Option<&Call>, answer: Answer) {
    let outcome = outcome(answer);
    let click_trans_id = call.map(|call| call.click_trans_id);
    metrics::WEBHOOK_CALLS.with_label_values(&[CODE, method, outcome.as_str()]).inc();
    tracing::info!(target: "payments", provider = CODE, method, outcome, click_trans_id, "provider call");
}
