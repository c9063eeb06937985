//! What Click's `merchant_trans_id` names: a deposit of ours, and whether it may be paid now.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::PROVIDER;
use super::answer::Refusal;
use crate::error::Result;
use crate::escrow::EscrowStatus;
use crate::ids::TransactionId;
use crate::payments::{Transaction, TransactionStatus, TransactionType};
use crate::schema::{escrows, payment_methods};
use crate::{Conn, Money, Tx};

/// A deposit by Click, with what decides whether it may be paid now.
pub(super) struct Order {
    /// The deposit, locked to the end of the transaction.
    pub deposit: Transaction,
    /// Whether staff have the method switched on.
    method_is_on: bool,
    /// Whether the deal it would pay still waits; true without a deal.
    deal_waits: bool,
}

impl Order {
    /// The order, locked; none when it is no deposit by Click.
    pub(super) async fn lock(tx: &mut Tx, id: Option<TransactionId>) -> Result<Option<Self>> {
        let Some((known, method_is_on)) = find(tx, id).await? else { return Ok(None) };
        let deposit = Transaction::lock(tx, known.id).await?;
        let deal_waits = match deposit.escrow_id {
            Some(deal) => {
                let waits = escrows::table.filter(
                    escrows::id.eq(deal).and(escrows::status.eq(EscrowStatus::PendingPayment)),
                );
                diesel::select(diesel::dsl::exists(waits)).get_result(tx.conn()).await?
            }
            None => true,
        };
        Ok(Some(Self { deposit, method_is_on, deal_waits }))
    }

    /// Whether another payment of this amount may begin now.
    pub(super) fn admits(&self, amount: Money, now: DateTime<Utc>) -> Result<(), Refusal> {
        match self.deposit.status {
            TransactionStatus::Completed => Err(Refusal::AlreadyPaid),
            TransactionStatus::Cancelled | TransactionStatus::Failed => Err(Refusal::Cancelled),
            TransactionStatus::Pending | TransactionStatus::Processing
                if !self.method_is_on || !self.deal_waits || self.deposit.is_abandoned(now) =>
            {
                Err(Refusal::Cancelled)
            }
            TransactionStatus::Pending | TransactionStatus::Processing
                if amount != self.deposit.amount =>
            {
                Err(Refusal::Amount)
            }
            TransactionStatus::Pending | TransactionStatus::Processing => Ok(()),
        }
    }
}

/// The deposit as it is now, not locked, and whether its method is switched on. Only deposits by Click are Click's to touch.
pub(super) async fn find(
    conn: &mut Conn,
    id: Option<TransactionId>,
) -> Result<Option<(Transaction, bool)>> {
    let Some(id) = id else { return Ok(None) };
    let Some(deposit) = Transaction::find(conn, id).await? else { return Ok(None) };
    let Some(method) = deposit.payment_method_id else { return Ok(None) };
    let (code, is_on): (String, bool) = payment_methods::table
        .select((payment_methods::code, payment_methods::is_active))
        .filter(payment_methods::id.eq(method))
        .first(conn)
        .await?;
    let is_clicks = deposit.kind == TransactionType::Deposit && code == PROVIDER.as_str();
    Ok(is_clicks.then_some((deposit, is_on)))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::Order;
    use crate::Money;
    use crate::ids::UserId;
    use crate::payments::providers::click::answer::Refusal;
    use crate::payments::{Transaction, TransactionStatus, TransactionType};

    #[test]
    fn only_a_waiting_deposit_of_the_exact_amount_admits_a_payment() {
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(9_000);
        let amount = Money::from_soum(5_000);
        let order = |status| Order {
            deposit: Transaction {
                status,
                ..Transaction::new(TransactionType::Deposit, UserId::new(), amount, now)
            },
            method_is_on: true,
            deal_waits: true,
        };
        for (status, answer) in [
            (TransactionStatus::Pending, Ok(())),
            (TransactionStatus::Processing, Ok(())),
            (TransactionStatus::Completed, Err(Refusal::AlreadyPaid)),
            (TransactionStatus::Cancelled, Err(Refusal::Cancelled)),
            (TransactionStatus::Failed, Err(Refusal::Cancelled)),
        ] {
            assert_eq!(order(status).admits(amount, now), answer, "{status}");
        }
        let pending = || order(TransactionStatus::Pending);
        for tiyin in [0, 5_000, 499_999, 500_001, 50_000_000] {
            let answer = pending().admits(Money::from_tiyin(tiyin), now);
            assert_eq!(answer, Err(Refusal::Amount), "{tiyin}");
        }
        for closed in
            [Order { method_is_on: false, ..pending() }, Order { deal_waits: false, ..pending() }]
        {
            assert_eq!(closed.admits(amount, now), Err(Refusal::Cancelled));
        }
        assert_eq!(pending().admits(amount, now + TimeDelta::hours(25)), Err(Refusal::Cancelled));
    }
}
