//! A deposit by card as a comparison sees it.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;

use crate::error::Result;
use crate::ids::TransactionId;
use crate::payments::TransactionStatus;
use crate::payments::providers::Provider;
use crate::payments::reports::{Ours, bounds};
use crate::statement::statement;
use crate::{Money, Tx};

/// What decides whether a deposit and what Multicard says of it agree.
#[derive(Clone, Debug, QueryableByName)]
pub(super) struct Standing {
    /// The deposit.
    #[diesel(sql_type = SqlUuid)]
    pub id: TransactionId,
    /// By which network.
    #[diesel(sql_type = Text)]
    pub provider: Provider,
    /// Where it is.
    #[diesel(sql_type = Text)]
    pub status: TransactionStatus,
    /// Soum.
    #[diesel(sql_type = Numeric)]
    pub amount: Money,
    /// The payment that it was credited for.
    #[diesel(sql_type = Nullable<Text>)]
    pub payment: Option<String>,
    /// When it changed last, or was booked back.
    #[diesel(sql_type = Timestamptz)]
    pub changed_at: DateTime<Utc>,
    /// Whether it was booked back.
    #[diesel(sql_type = Bool)]
    pub returned: bool,
}

/// The columns, and from where.
macro_rules! standings {
    ($where:literal) => {
        statement(concat!(
            "SELECT t.id, m.code AS provider, t.status, t.amount, t.provider_transaction_id AS payment,
                    greatest(t.updated_at, r.created_at) AS changed_at, r.id IS NOT NULL AS returned
             FROM transactions t
             JOIN payment_methods m ON m.id = t.payment_method_id AND m.code IN ('uzcard', 'humo')
             LEFT JOIN transactions r ON r.reverses_id = t.id
             WHERE t.type = 'deposit' AND ",
            $where
        ))
    };
}

impl Standing {
    /// What one of its payments is here.
    pub(super) fn ours(&self, payment: &str) -> Ours {
        let counts =
            self.status == TransactionStatus::Completed && self.payment.as_deref() == Some(payment);
        match (counts, self.returned) {
            (true, false) => Ours::Credited,
            (true, true) => Ours::Returned,
            (false, _) => Ours::Uncredited,
        }
    }

    /// These deposits, as far as they are by card.
    pub(super) async fn of(tx: &mut Tx, ids: &[TransactionId]) -> Result<Vec<Self>> {
        let found = standings!("t.id = ANY($1)").bind::<Array<SqlUuid>, _>(ids);
        Ok(found.load(tx.conn()).await?)
    }

    /// Deposits that were credited on a day and that no history has listed since an instant, in the order of their ids.
    pub(super) async fn unlisted(
        tx: &mut Tx,
        (day, since): (NaiveDate, DateTime<Utc>),
        after: Option<TransactionId>,
        limit: i64,
    ) -> Result<Vec<Self>> {
        let (from, until) = bounds(day);
        let found = standings!(
            "t.status = 'completed' AND t.processed_at >= $1 AND t.processed_at < $2
             AND NOT EXISTS (SELECT FROM multicard_invoices i WHERE i.transaction_id = t.id AND i.reported_at >= $3)
             AND ($4 IS NULL OR t.id > $4)
             ORDER BY t.id LIMIT $5"
        );
        let found = found
            .bind::<Timestamptz, _>(from)
            .bind::<Timestamptz, _>(until)
            .bind::<Timestamptz, _>(since)
            .bind::<Nullable<SqlUuid>, _>(after)
            .bind::<BigInt, _>(limit);
        Ok(found.load(tx.conn()).await?)
    }
}
