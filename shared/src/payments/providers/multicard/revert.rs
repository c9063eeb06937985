//! Multicard gave a payment back that had counted.

use serde_json::json;

use crate::audit::{self, Actor};
use crate::error::{Code, Result};
use crate::payments::Transaction;
use crate::payments::cases::{CaseKind, NewCase, open_case};
use crate::payments::credit::reverse_deposit;
use crate::payments::providers::Provider;
use crate::{Outcome, Tx};

/// Takes the money back from the balance of a locked deposit. Money that was spent is gone at Multicard already: it is on
/// record, once, for a human.
pub(super) async fn take_back(
    tx: &mut Tx,
    deposit: &Transaction,
    provider: Provider,
) -> Result<()> {
    match reverse_deposit(tx, deposit, provider).await {
        Ok(_outcome) => Ok(()),
        Err(error) if error.code() == Code::InsufficientFunds => owe(tx, deposit, provider).await,
        Err(error) => Err(error),
    }
}

/// On record and for staff, once.
async fn owe(tx: &mut Tx, deposit: &Transaction, provider: Provider) -> Result<()> {
    let details = json!({ "amount": deposit.amount, "user": deposit.user_id });
    let case = NewCase {
        kind: CaseKind::RefundOwed,
        provider,
        transaction_id: Some(deposit.id),
        fact: deposit.id.to_string(),
        details: details.clone(),
    };
    if open_case(tx, case).await? == Outcome::AlreadyDone {
        return Ok(());
    }
    let (action, by) = ("deposit.owed", Actor::Provider(provider.as_str()));
    tracing::warn!(target: "payments", action, transaction = %deposit.id, amount = %deposit.amount, %by, "{action}");
    audit::record(tx, by, action, ("transaction", deposit.id.to_string()), details).await
}
