//! A Payme transaction with its deposit, locked in the one order: deal, deposit, Payme's row.

use super::PROVIDER;
use super::row::Payment;
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::payments::Transaction;
use crate::{Outcome, Tx, escrow};

/// Who acts.
pub(super) const BY: Actor = Actor::Provider(PROVIDER.as_str());

/// Both rows, locked to the end of the transaction.
pub(super) struct Locked {
    /// The deposit.
    pub deposit: Transaction,
    /// Payme's view of it.
    pub payment: Payment,
}

/// What the command may go on to lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Only these two rows.
    Deposit,
    /// Also the deal that the deposit pays.
    Deal,
}

impl Locked {
    /// Locks by Payme's id; none when Payme never created it here.
    pub(super) async fn find(tx: &mut Tx, id: &str, reach: Reach) -> Result<Option<Self>> {
        let Some(known) = Payment::find(tx, id).await? else { return Ok(None) };
        if reach == Reach::Deal {
            let deal = Transaction::find(tx, known.transaction_id)
                .await?
                .and_then(|deposit| deposit.escrow_id);
            if let Some(deal) = deal {
                escrow::lock_for_payment(tx, deal).await?;
            }
        }
        let deposit = Transaction::lock(tx, known.transaction_id).await?;
        let payment = Payment::lock(tx, id)
            .await?
            .ok_or_else(|| Error::internal(format!("Payme transaction {id} vanished")))?;
        Ok(Some(Self { deposit, payment }))
    }

    /// Its time is over: both are cancelled.
    pub(super) async fn expire(&mut self, tx: &mut Tx) -> Result<()> {
        self.payment.expire(tx.now().timestamp_millis());
        self.release(tx, "expired at Payme").await
    }

    /// Saves a payment that was given up, and cancels its deposit.
    pub(super) async fn release(&mut self, tx: &mut Tx, why: &str) -> Result<()> {
        // A deposit that staff have cancelled already stays as it is.
        let outcome = self.deposit.cancel(why, tx.now())?;
        self.deposit.save(tx).await?;
        self.payment.save(tx).await?;
        match outcome {
            Outcome::Done => self.deposit.tell(tx, BY, "deposit.cancel").await,
            Outcome::AlreadyDone => Ok(()),
        }
    }
}
