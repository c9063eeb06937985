//! A deposit by Click and its payments as a comparison sees them.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Date, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;

use super::merchant_api::Wanted;
use super::row::State;
use crate::error::Result;
use crate::ids::TransactionId;
use crate::payments::reports::{Ours, bounds};
use crate::statement::statement;
use crate::{Money, Tx};

/// The columns, and from where.
macro_rules! known {
    ($where:literal) => {
        statement(concat!(
            "SELECT c.transaction_id AS \"order\", c.prepare_id, c.click_trans_id, c.click_paydoc_id, c.amount, c.state,
                    c.error IS NOT NULL AS has_failed, c.credited_id, r.id IS NOT NULL AS returned,
                    c.state <> 'confirmed' AND t.status = 'completed' AS is_surplus,
                    greatest(t.updated_at, c.prepared_at, c.confirmed_at, c.cancelled_at, r.created_at) AS changed_at,
                    (c.prepared_at AT TIME ZONE 'Asia/Tashkent')::date AS prepared_on,
                    (c.confirmed_at AT TIME ZONE 'Asia/Tashkent')::date AS confirmed_on
             FROM click_payments c
             JOIN transactions t ON t.id = c.transaction_id
             LEFT JOIN transactions r ON r.reverses_id = c.credited_id
             WHERE ",
            $where
        ))
    };
}

/// A deposit that payers were asked for.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// The deposit.
    pub id: TransactionId,
    /// Its payments, as far as Click has prepared them with us.
    pub payments: Vec<Known>,
}

/// One of its payments.
#[derive(Clone, Debug, QueryableByName)]
pub(super) struct Known {
    #[diesel(sql_type = SqlUuid)]
    order: TransactionId,
    /// Our number.
    #[diesel(sql_type = BigInt)]
    pub prepare_id: i64,
    /// Click's number.
    #[diesel(sql_type = BigInt)]
    pub click_trans_id: i64,
    /// The number that the payer is shown.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub click_paydoc_id: Option<i64>,
    /// Soum.
    #[diesel(sql_type = Numeric)]
    pub amount: Money,
    /// Where it is.
    #[diesel(sql_type = Text)]
    pub state: State,
    /// Whether Click said that it had failed.
    #[diesel(sql_type = Bool)]
    pub has_failed: bool,
    /// The deposit that it paid.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub credited_id: Option<TransactionId>,
    /// Whether that was booked back.
    #[diesel(sql_type = Bool)]
    pub returned: bool,
    /// Whether another payment has paid its order.
    #[diesel(sql_type = Bool)]
    pub is_surplus: bool,
    /// When it, or what it paid, changed last.
    #[diesel(sql_type = Timestamptz)]
    pub changed_at: DateTime<Utc>,
    #[diesel(sql_type = Date)]
    prepared_on: NaiveDate,
    #[diesel(sql_type = Nullable<Date>)]
    confirmed_on: Option<NaiveDate>,
}

impl Known {
    /// What it is here.
    pub(super) fn ours(&self) -> Ours {
        match (self.state, self.returned) {
            (State::Confirmed, false) => Ours::Credited,
            (State::Confirmed, true) => Ours::Returned,
            (State::Prepared | State::Cancelled, _) => Ours::Uncredited,
        }
    }

    /// What Click is asked.
    pub(super) fn wanted(&self, order: TransactionId) -> Wanted {
        let mut days = vec![self.prepared_on];
        days.extend(self.confirmed_on.filter(|day| *day != self.prepared_on));
        Wanted {
            order,
            days,
            click_trans_id: self.click_trans_id,
            click_paydoc_id: self.click_paydoc_id,
        }
    }

    /// A payment with its order; none when there is none.
    pub(super) async fn find(
        tx: &mut Tx,
        prepare_id: i64,
    ) -> Result<Option<(TransactionId, Self)>> {
        let found = known!("c.prepare_id = $1").bind::<BigInt, _>(prepare_id);
        let found: Option<Self> = found.get_result(tx.conn()).await.optional()?;
        Ok(found.map(|known| (known.order, known)))
    }
}

impl Order {
    /// The days on which its payments may have been made.
    pub(super) fn days(&self, asked: NaiveDate) -> Vec<NaiveDate> {
        let of_payments = self.payments.iter().flat_map(|known| known.wanted(self.id).days);
        let mut days: Vec<_> = of_payments.chain([asked]).collect();
        days.sort_unstable();
        days.dedup();
        days
    }

    /// The orders of a day by their ids: made, prepared or paid on it. A deposit that only books a late payment is none.
    pub(super) async fn of_day(
        tx: &mut Tx,
        day: NaiveDate,
        after: Option<TransactionId>,
        limit: i64,
    ) -> Result<Vec<Self>> {
        #[derive(QueryableByName)]
        struct Due {
            #[diesel(sql_type = SqlUuid)]
            id: TransactionId,
        }
        let (from, until) = bounds(day);
        let due: Vec<Due> = statement(
            "SELECT id FROM (
                 SELECT t.id FROM transactions t JOIN payment_methods m ON m.id = t.payment_method_id AND m.code = 'click'
                 WHERE t.type = 'deposit' AND t.created_at >= $1 AND t.created_at < $2 AND NOT t.metadata ? 'paid_late_for'
                 UNION SELECT transaction_id FROM click_payments WHERE prepared_at >= $1 AND prepared_at < $2
                 UNION SELECT transaction_id FROM click_payments WHERE confirmed_at >= $1 AND confirmed_at < $2) AS orders
             WHERE $3 IS NULL OR id > $3 ORDER BY id LIMIT $4",
        )
        .bind::<Timestamptz, _>(from)
        .bind::<Timestamptz, _>(until)
        .bind::<Nullable<SqlUuid>, _>(after)
        .bind::<BigInt, _>(limit)
        .load(tx.conn())
        .await?;
        let ids: Vec<_> = due.into_iter().map(|due| due.id).collect();
        Self::load(tx, &ids).await
    }

    /// These orders, in this order, with their payments.
    pub(super) async fn load(tx: &mut Tx, ids: &[TransactionId]) -> Result<Vec<Self>> {
        let found = known!("c.transaction_id = ANY($1)").bind::<Array<SqlUuid>, _>(ids);
        let known: Vec<Known> = found.load(tx.conn()).await?;
        let order = |id: &TransactionId| Self {
            id: *id,
            payments: known.iter().filter(|known| known.order == *id).cloned().collect(),
        };
        Ok(ids.iter().map(order).collect())
    }
}
