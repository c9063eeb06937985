//! Paynet's view of a deposit: the row, and the one step it may take.

use chrono::{DateTime, Utc};
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::SmallInt;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::rpc::Answer;
use super::times;
use crate::error::Result;
use crate::ids::TransactionId;
use crate::schema::paynet_transactions;
use crate::{Conn, Tx};

/// What `CheckTransaction` says of a transaction that is not there; it has no row.
const STATE_NOT_FOUND: i16 = 3;

/// Paynet's states, by Paynet's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = SmallInt)]
pub(super) enum State {
    /// 1: paid.
    Performed,
    /// 2: paid, and paid back.
    Cancelled,
}

impl State {
    /// Paynet's number.
    pub(super) const fn number(self) -> i16 {
        match self {
            Self::Performed => 1,
            Self::Cancelled => 2,
        }
    }
}

impl ToSql<SmallInt, Pg> for State {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        <i16 as ToSql<SmallInt, Pg>>::to_sql(&self.number(), &mut out.reborrow())
    }
}

impl FromSql<SmallInt, Pg> for State {
    fn from_sql(bytes: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        let number = <i16 as FromSql<SmallInt, Pg>>::from_sql(bytes)?;
        [Self::Performed, Self::Cancelled]
            .into_iter()
            .find(|state| state.number() == number)
            .ok_or_else(|| format!("unknown state {number} of a Paynet transaction").into())
    }
}

/// A row of `paynet_transactions`.
#[derive(Clone, Debug, HasQuery, AsChangeset)]
#[diesel(table_name = paynet_transactions, primary_key(seq), treat_none_as_null = true)]
pub(super) struct Payment {
    /// Our number: `providerTrnId`.
    pub seq: i64,
    /// Paynet's number: `transactionId`.
    pub id: i64,
    /// The deposit.
    pub transaction_id: TransactionId,
    /// The order as the payer typed it.
    pub fields: Value,
    /// What was paid.
    pub amount_tiyin: i64,
    /// Where it is.
    pub state: State,
    /// When, to the second.
    pub performed_at: DateTime<Utc>,
    /// When it was paid back, to the second.
    pub cancelled_at: Option<DateTime<Utc>>,
}

/// What a `CancelTransaction` comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CancelStep {
    /// The money must go back.
    Reverse,
    /// It was cancelled.
    Replay,
}

impl Payment {
    /// Cancels it, if it is not cancelled: the first time stays. A transaction's instant is its start, so one that waited
    /// for a lock may be older than what it finds: times never run backwards.
    pub(super) fn cancel(&mut self, now: DateTime<Utc>) -> CancelStep {
        match self.state {
            State::Performed => {
                self.state = State::Cancelled;
                self.cancelled_at = Some(times::whole_seconds(now).max(self.performed_at));
                CancelStep::Reverse
            }
            State::Cancelled => CancelStep::Replay,
        }
    }

    /// When it came to where it is.
    fn changed_at(&self) -> DateTime<Utc> {
        self.cancelled_at.unwrap_or(self.performed_at)
    }

    /// The answer to `PerformTransaction`.
    pub(super) fn performed(&self) -> Answer {
        Ok(json!({
            "timestamp": times::text(self.performed_at),
            "providerTrnId": self.seq,
            "fields": { "order_id": self.transaction_id },
        }))
    }

    /// The answer to `CancelTransaction`.
    pub(super) fn cancelled(&self) -> Answer {
        Ok(json!({
            "providerTrnId": self.seq,
            "timestamp": times::text(self.changed_at()),
            "transactionState": self.state.number(),
        }))
    }

    /// The answer to `CheckTransaction`.
    pub(super) fn checked(&self) -> Answer {
        Ok(json!({
            "transactionState": self.state.number(),
            "timestamp": times::text(self.changed_at()),
            "providerTrnId": self.seq,
        }))
    }

    /// The answer to a `CheckTransaction` of what is not there.
    pub(super) fn not_found(now: DateTime<Utc>) -> Answer {
        Ok(json!({
            "transactionState": STATE_NOT_FOUND,
            "timestamp": times::text(now),
            "providerTrnId": 0,
        }))
    }

    /// Its line in `GetStatement`.
    pub(super) fn statement_line(&self) -> Value {
        json!({
            "amount": self.amount_tiyin,
            "providerTrnId": self.seq,
            "transactionId": self.id,
            "timestamp": times::text(self.performed_at),
        })
    }

    /// By Paynet's number, not locked.
    pub(super) async fn find(conn: &mut Conn, id: i64) -> Result<Option<Self>> {
        Ok(Self::query().filter(paynet_transactions::id.eq(id)).first(conn).await.optional()?)
    }

    /// By Paynet's number, locked to the end of the transaction.
    pub(super) async fn lock(tx: &mut Tx, id: i64) -> Result<Option<Self>> {
        Ok(Self::query()
            .filter(paynet_transactions::id.eq(id))
            .for_no_key_update()
            .first(tx.conn())
            .await
            .optional()?)
    }

    /// Stores a changed row that this transaction has locked.
    pub(super) async fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(paynet_transactions::table.filter(paynet_transactions::seq.eq(self.seq)))
            .set(self)
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use serde_json::json;

    use super::{CancelStep, Payment, State};
    use crate::ids::TransactionId;

    fn payment() -> Payment {
        Payment {
            seq: 7,
            id: 2_147_483_648,
            transaction_id: TransactionId::new(),
            fields: json!({}),
            amount_tiyin: 5_000_000,
            state: State::Performed,
            performed_at: DateTime::<Utc>::UNIX_EPOCH,
            cancelled_at: None,
        }
    }

    #[test]
    fn a_cancellation_keeps_its_first_time() {
        let mut row = payment();
        let later = row.performed_at + TimeDelta::milliseconds(61_500);
        assert_eq!(row.cancel(later), CancelStep::Reverse);
        let (first, check) = (row.cancelled(), row.checked());
        assert_eq!(
            first,
            Ok(
                json!({ "providerTrnId": 7, "timestamp": "1970-01-01 05:01:01", "transactionState": 2 })
            )
        );
        assert_eq!(row.cancel(later + TimeDelta::days(1)), CancelStep::Replay);
        assert_eq!((row.cancelled(), row.checked()), (first, check));
        assert_eq!(row.performed_at, DateTime::<Utc>::UNIX_EPOCH);
    }

    #[test]
    fn times_never_run_backwards() {
        let mut row = payment();
        row.cancel(row.performed_at - TimeDelta::seconds(1));
        assert_eq!(row.cancelled_at, Some(row.performed_at));
    }

    #[test]
    fn what_is_not_there_has_state_three_and_no_number() {
        let answer = Payment::not_found(DateTime::<Utc>::UNIX_EPOCH);
        assert_eq!(
            answer,
            Ok(
                json!({ "transactionState": 3, "timestamp": "1970-01-01 05:00:00", "providerTrnId": 0 })
            )
        );
    }
}
