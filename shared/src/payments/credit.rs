//! A provider's money arrives, or goes back: the only places where a deposit touches the ledger.

use super::model::Transaction;
use super::providers::Provider;
use super::receipt::mail_receipt;
use crate::audit::Actor;
use crate::error::Result;
use crate::ledger::{self, Account, Posting};
use crate::{App, Outcome, Tx, escrow};

/// Credits the payer of a locked deposit once, and pays the deal it was made for; the deal is locked before the deposit.
/// `AlreadyDone` when it was credited before.
///
/// # Errors
/// `INVALID_STATE` when the provider has not begun it, or it was cancelled: nothing is credited.
pub(super) async fn complete_deposit(
    tx: &mut Tx,
    app: &App,
    deposit: &mut Transaction,
    from: (Provider, &str),
) -> Result<Outcome> {
    let (provider, provider_transaction_id) = from;
    if deposit.complete(provider_transaction_id, tx.now())? == Outcome::AlreadyDone {
        return Ok(Outcome::AlreadyDone);
    }
    ledger::open_account(tx, Account::Available(deposit.user_id)).await?;
    let _posted = ledger::post(tx, &credit(deposit, provider)).await?;
    deposit.save(tx).await?;
    tracing::info!(target: "payments", transaction = %deposit.id, amount = %deposit.amount, provider = provider.as_str(), provider_transaction_id, "deposit completed");
    if let Some(deal) = deposit.escrow_id {
        let _funded = escrow::fund_from_deposit(tx, app, deal).await?;
    }
    mail_receipt(tx, deposit).await?;
    Ok(Outcome::Done)
}

/// Takes a completed deposit back from the payer's balance. It stays completed: the way back is a movement of its own.
/// `AlreadyDone` when it was taken back before.
///
/// # Errors
/// `INSUFFICIENT_FUNDS` when the money was spent: nothing happened, and the transaction is alive.
pub(super) async fn reverse_deposit(
    tx: &mut Tx,
    deposit: &Transaction,
    provider: Provider,
) -> Result<Outcome> {
    let by = Actor::Provider(provider.as_str());
    if ledger::try_post(tx, &reversal(deposit, provider, by)).await? == Outcome::AlreadyDone {
        return Ok(Outcome::AlreadyDone);
    }
    let refund = deposit.reversal(tx.now());
    refund.insert(tx).await?;
    mail_receipt(tx, &refund).await?;
    tracing::warn!(target: "payments", transaction = %deposit.id, amount = %deposit.amount, provider = provider.as_str(), "deposit taken back by its provider");
    Ok(Outcome::Done)
}

fn credit(deposit: &Transaction, provider: Provider) -> Posting {
    let code = provider.as_str();
    Posting::new(format!("deposit:{}", deposit.id), "deposit", Actor::Provider(code))
        .leg(Account::Provider(code), -deposit.amount)
        .leg(Account::Available(deposit.user_id), deposit.amount)
}

/// One key for both ways back: the provider's own cancellation, and staff who book what its cabinet returned.
pub(super) fn reversal(deposit: &Transaction, provider: Provider, by: Actor) -> Posting {
    let code = provider.as_str();
    Posting::new(format!("deposit_reversal:{}", deposit.id), "deposit_reversal", by)
        .leg(Account::Available(deposit.user_id), -deposit.amount)
        .leg(Account::Provider(code), deposit.amount)
}
