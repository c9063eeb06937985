//! Multicard gave a payment back that had counted.

use crate::Tx;
use crate::error::{Code, Result};
use crate::payments::Transaction;
use crate::payments::credit::reverse_deposit;
use crate::payments::providers::Provider;

/// Takes the money back from the balance of a locked deposit. Money that was spent is gone at Multicard already, so it
/// becomes a case for a human.
pub(super) async fn take_back(
    tx: &mut Tx,
    deposit: &Transaction,
    provider: Provider,
) -> Result<()> {
    match reverse_deposit(tx, deposit, provider).await {
        Ok(_outcome) => Ok(()),
        Err(error) if error.code() == Code::InsufficientFunds => {
            tracing::error!(target: "payments", transaction = %deposit.id, amount = %deposit.amount, provider = provider.as_str(), "Multicard gave back money that was spent");
            Ok(())
        }
        Err(error) => Err(error),
    }
}
