//! Staff book a deposit as returned that its provider has given back in its own cabinet.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::credit::reversal;
use super::jobs::ReverseClickPayment;
use super::model::{Transaction, TransactionStatus, TransactionType};
use super::providers::Provider;
use super::providers::click::Payment;
use super::receipt::mail_receipt;
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};
use crate::ids::{TransactionId, UserId};
use crate::jobs::enqueue;
use crate::ledger;
use crate::schema::{payment_methods, transactions};
use crate::{App, Outcome, Tx};

/// The longest reason.
const REASON_MAX: usize = 2_000;

/// Takes a completed deposit back from the payer's balance, because the provider returned the money. The provider's own
/// cancellation has the same business key: whichever comes first is booked, the other finds it done. Where Click has
/// opened its Merchant API to us, Click is told to give the money back, unless it has.
///
/// # Errors
/// `NOT_FOUND`; `VALIDATION_ERROR`; `PERMISSION_DENIED` for one's own deposit; `INVALID_STATE` for what is no completed
/// deposit; `INSUFFICIENT_FUNDS` when the money was spent: then a correction by two people is what is left.
pub async fn return_deposit(
    tx: &mut Tx,
    app: &App,
    staff: UserId,
    id: TransactionId,
    reason: &str,
) -> Result<(Transaction, Outcome)> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::field("reason", texts::REQUIRED));
    }
    if reason.chars().count() > REASON_MAX {
        let error = Error::new(Code::ValidationError);
        return Err(error.and_field("reason", texts::TOO_LONG, REASON_MAX.to_string()));
    }
    let deposit = Transaction::lock(tx, id).await?;
    if deposit.user_id == staff {
        return Err(Error::new(Code::PermissionDenied));
    }
    if (deposit.kind, deposit.status) != (TransactionType::Deposit, TransactionStatus::Completed) {
        return Err(Error::invalid_state(deposit.status.as_str()));
    }
    if let Some(before) = refund_of(tx, id).await? {
        return Ok((before, Outcome::AlreadyDone));
    }
    let provider = provider_of(tx, &deposit).await?;
    let mut refund = deposit.reversal(tx.now());
    refund.metadata = json!({ "refunded_by_staff": staff });
    refund.insert(tx).await?;
    let posting = reversal(&deposit, provider, Actor::Staff(staff));
    if ledger::post(tx, &posting).await? == Outcome::AlreadyDone {
        return Err(Error::internal(format!("deposit {id} was taken back without a refund")));
    }
    let details = json!({ "reason": reason, "amount": deposit.amount, "refund_id": refund.id });
    let object = ("transaction", id.to_string());
    audit::record(tx, Actor::Staff(staff), "deposit.return", object, details).await?;
    tracing::warn!(target: "payments", action = "deposit.return", transaction = %id, amount = %deposit.amount, %staff, reason, "deposit.return");
    mail_receipt(tx, &refund).await?;
    if provider == Provider::Click
        && app.click.is_some()
        && let Some(prepare_id) = Payment::credited_to(tx, id).await?
    {
        enqueue(tx, &ReverseClickPayment { prepare_id }).await?;
    }
    Ok((refund, Outcome::Done))
}

async fn refund_of(tx: &mut Tx, id: TransactionId) -> Result<Option<Transaction>> {
    let refund = Transaction::query().filter(transactions::reverses_id.eq(id));
    Ok(refund.first(tx.conn()).await.optional()?)
}

async fn provider_of(tx: &mut Tx, deposit: &Transaction) -> Result<Provider> {
    let method =
        deposit.payment_method_id.ok_or_else(|| Error::internal("a deposit has a method"))?;
    let code: String =
        payment_methods::table.find(method).select(payment_methods::code).first(tx.conn()).await?;
    Provider::parse(&code).ok_or_else(|| Error::internal(format!("no provider is called {code}")))
}
