//! The page a deposit is paid on: made once, after the deposit is committed and outside of any transaction.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::row::Checkout;
use crate::App;
use crate::error::{Error, Result};
use crate::jobs::{after, enqueue_at};
use crate::language::Language;
use crate::payments::Transaction;
use crate::payments::jobs::ProcessDeposit;
use crate::payments::providers::Provider;
use crate::settings::MulticardSettings;

/// Multicard is asked for the first time this long after a page was made, in case its callback was lost.
const ASK_AFTER: Duration = Duration::from_secs(20 * 60);
/// What is sold, on the fiscal receipt.
const ITEM: &str = "WibeStore balance top-up";

/// Multicard's page for a deposit. Asked again it is the same page; when Multicard does not answer, nothing is lost and
/// the next call tries again.
///
/// # Errors
/// `SERVICE_UNAVAILABLE` when Multicard does not answer; `INVALID_STATE` when the page was taken back.
pub async fn checkout_url(
    app: &App,
    deposit: &Transaction,
    provider: Provider,
    language: Language,
) -> Result<String> {
    let known = Checkout::find(&mut *app.db.read().await?, deposit.id).await?;
    if let Some(known) = known {
        return known.open_url();
    }
    let body = invoice(app, deposit, provider, language)?;
    let made = app.multicard.make_invoice(body).await?;
    let (kept, is_new) = app
        .db
        .transaction(async |tx| {
            let (kept, is_new) = Checkout::keep(tx, deposit.id, &made).await?;
            if is_new {
                let job = ProcessDeposit { transaction_id: deposit.id, after_credit: false };
                let at = after(tx.now(), ASK_AFTER);
                enqueue_at(tx, &job, at).await?;
            }
            Ok((kept, is_new))
        })
        .await?;
    if !is_new && let Err(failure) = app.multicard.delete_invoice(&made.uuid).await {
        tracing::info!(target: "payments", transaction = %deposit.id, %failure, "a second invoice that nobody was sent to stays open");
    }
    kept.open_url()
}

impl Checkout {
    fn open_url(self) -> Result<String> {
        match self.closed_at {
            None => Ok(self.checkout_url),
            Some(_) => Err(Error::invalid_state("cancelled")),
        }
    }
}

fn invoice(
    app: &App,
    deposit: &Transaction,
    provider: Provider,
    language: Language,
) -> Result<Value> {
    let amount = deposit
        .amount
        .to_tiyin()
        .ok_or_else(|| Error::internal("the amount is no integer of tiyin"))?;
    let http = &app.settings.http;
    let back = match deposit.escrow_id {
        Some(deal) => format!("{}/trade/{deal}", http.frontend_url),
        None => format!("{}/profile", http.frontend_url),
    };
    Ok(json!({
        "store_id": app.multicard.store(),
        "amount": amount,
        "invoice_id": deposit.id,
        "callback_url": format!("{}/api/v1/payments/webhooks/{provider}/", http.public_url),
        "return_url": back,
        "return_error_url": back,
        "lang": language.as_str(),
        "ofd": [fiscal_line(&app.settings.multicard, amount)],
    }))
}

fn fiscal_line(settings: &MulticardSettings, amount: i64) -> Value {
    let mut line = Map::from_iter([
        ("name".to_owned(), ITEM.into()),
        ("qty".to_owned(), 1.into()),
        ("price".to_owned(), amount.into()),
        ("total".to_owned(), amount.into()),
    ]);
    for (name, value) in [("mxik", &settings.mxik), ("package_code", &settings.package_code)] {
        if let Some(value) = value {
            line.insert(name.to_owned(), value.as_str().into());
        }
    }
    Value::Object(line)
}
