//! A period is paid from the balance: once, under its permanent key.

use serde_json::{Value, json};

use super::calendar::stamp;
use super::model::Period;
use super::{BillingPeriod, Plan, Subscription};
use crate::audit::Actor;
use crate::error::{Code, Error, Result};
use crate::ids::TransactionId;
use crate::ledger::{self, Account, Posting};
use crate::payments::{Transaction, TransactionType};
use crate::{Money, Outcome, Tx};

/// What is paid for which period.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bill<'a> {
    /// The plan of the period.
    pub(super) plan: &'a Plan,
    /// Its length.
    pub(super) billing: BillingPeriod,
    /// When it is.
    pub(super) period: Period,
    /// What the rest of an earlier period covers of its price.
    pub(super) credit: Money,
}

impl Subscription {
    /// Pays a period and enters it. The posting stands behind a savepoint: when the balance is short, nothing has
    /// happened, and the transaction is alive.
    ///
    /// # Errors
    /// `INSUFFICIENT_FUNDS` with `amount`, what it takes.
    pub(super) async fn pay(&mut self, tx: &mut Tx, actor: Actor, bill: Bill<'_>) -> Result<Money> {
        let price = bill.plan.price(bill.billing);
        let amount = price.checked_sub(bill.credit).filter(|amount| *amount >= Money::ZERO);
        let amount = amount.ok_or_else(|| Error::internal("a credit is larger than its price"))?;
        let reference = format!("subscription:{}:{}", self.id, stamp(bill.period.start));
        // Nothing is posted for nothing: staff may price a plan at zero, and a credit may cover the whole.
        let transaction_id = if amount.is_positive() {
            self.take(tx, actor, &reference, amount).await?;
            Some(self.record_payment(tx, bill, &reference, amount).await?)
        } else {
            None
        };
        if let Value::Array(history) = &mut self.payment_history {
            history.push(json!({
                "reference": reference,
                "plan": bill.plan.slug,
                "billing_period": bill.billing,
                "period_start": stamp(bill.period.start),
                "period_end": stamp(bill.period.end),
                "price": price,
                "credit": bill.credit,
                "amount": amount,
                "transaction_id": transaction_id,
                "paid_at": stamp(tx.now()),
            }));
        }
        self.enter(bill.plan, bill.billing, bill.period);
        tracing::info!(target: "subscriptions", subscription = %self.id, plan = bill.plan.slug, amount = %amount, actor = %actor, "period paid");
        Ok(amount)
    }

    /// The money leaves the balance.
    async fn take(&self, tx: &mut Tx, actor: Actor, reference: &str, amount: Money) -> Result<()> {
        let posting = Posting::new(reference.to_owned(), "subscription", actor)
            .leg(Account::Available(self.user_id), -amount)
            .leg(Account::Subscription, amount);
        match ledger::try_post(tx, &posting).await {
            Ok(Outcome::Done) => Ok(()),
            Ok(Outcome::AlreadyDone) => Err(Error::internal(format!(
                "{reference} was paid before, but the subscription did not say so"
            ))),
            Err(error) if error.code() == Code::InsufficientFunds => {
                Err(error.fact("amount", amount.to_string().into()))
            }
            Err(error) => Err(error),
        }
    }

    /// The movement as its owner sees it.
    async fn record_payment(
        &self,
        tx: &mut Tx,
        bill: Bill<'_>,
        reference: &str,
        amount: Money,
    ) -> Result<TransactionId> {
        let transaction = Transaction {
            description: format!("{}, {}", bill.plan.name, bill.billing),
            metadata: json!({
                "reference": reference,
                "subscription_id": self.id,
                "plan": bill.plan.slug,
                "billing_period": bill.billing,
                "period_start": stamp(bill.period.start),
                "period_end": stamp(bill.period.end),
            }),
            ..Transaction::completed(TransactionType::Subscription, self.user_id, amount, tx.now())
        };
        transaction.insert(tx).await?;
        Ok(transaction.id)
    }
}
