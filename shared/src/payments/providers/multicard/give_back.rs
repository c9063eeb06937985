//! A payment that nothing waits for: a second one of a deposit that is paid, or one of a deposit that is over. Its payer
//! gets it back, once.

use super::client::Multicard;
use super::failure::Failure;
use super::model::Status;
use crate::error::{Error, Result};
use crate::ids::TransactionId;
use crate::jobs::{JobVerdict, claim_effect};
use crate::payments::{Transaction, TransactionStatus, TransactionType};
use crate::{Outcome, Tx};

/// What is to be given back.
pub struct Surplus {
    deposit: TransactionId,
    payment: String,
    amount: i64,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Returned {
    /// It is given back now.
    Now,
    /// There was nothing to give back.
    Nothing,
    /// It is a payment of something else.
    Foreign,
    /// No definite answer.
    Unknown(String),
}

impl Surplus {
    /// The payment, if the deposit does not live by it.
    pub(in crate::payments) async fn of(
        tx: &mut Tx,
        deposit: TransactionId,
        payment: &str,
    ) -> Result<Option<Self>> {
        let Some(row) = Transaction::find(tx, deposit).await? else { return Ok(None) };
        let over = match row.status {
            TransactionStatus::Completed
            | TransactionStatus::Failed
            | TransactionStatus::Cancelled => true,
            TransactionStatus::Pending | TransactionStatus::Processing => false,
        };
        let counted = row.provider_transaction_id.as_deref() == Some(payment);
        if row.kind != TransactionType::Deposit || counted || !over {
            return Ok(None);
        }
        let amount = row.amount.to_tiyin();
        let amount = amount.ok_or_else(|| Error::internal("the amount is no integer of tiyin"))?;
        Ok(Some(Self { deposit, payment: payment.to_owned(), amount }))
    }

    /// Looks first: what was given back is not given back again.
    pub(in crate::payments) async fn give_back(&self, multicard: &Multicard) -> Returned {
        match self.attempt(multicard).await {
            Ok(returned) => returned,
            Err(failure) => Returned::Unknown(failure.to_string()),
        }
    }

    async fn attempt(&self, multicard: &Multicard) -> Result<Returned, Failure> {
        let Some(entry) = multicard.payment(&self.payment).await? else {
            return Ok(Returned::Nothing);
        };
        if !entry.is_about(&self.deposit.to_string(), self.amount, multicard.store()) {
            return Ok(Returned::Foreign);
        }
        match entry.status {
            Status::Success | Status::Hold => {
                multicard.delete_payment(&self.payment).await.map(|()| Returned::Now)
            }
            Status::Error | Status::Revert => Ok(Returned::Nothing),
            Status::Draft | Status::Progress | Status::Billing => {
                Err(Failure::Unknown("the payment goes on".to_owned()))
            }
        }
    }

    /// Notes the end, or asks again.
    pub(in crate::payments) async fn record(
        self,
        returned: Returned,
        tx: &mut Tx,
    ) -> Result<JobVerdict> {
        let Self { deposit, payment, .. } = self;
        match returned {
            Returned::Now => {
                let outcome = claim_effect(tx, &format!("return_card_payment:{payment}")).await?;
                tracing::warn!(target: "payments", transaction = %deposit, multicard = payment, "a payment that nothing waited for was given back");
                Ok(outcome.into())
            }
            Returned::Nothing => Ok(Outcome::AlreadyDone.into()),
            Returned::Foreign => {
                Ok(JobVerdict::Cancel(format!("{payment} is not a payment of deposit {deposit}")))
            }
            Returned::Unknown(why) => Ok(JobVerdict::Retry(why)),
        }
    }
}
