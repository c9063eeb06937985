//! Payme's view of a deposit: the row, and the steps it may take. Times are milliseconds since the epoch.

use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::SmallInt;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::rpc::Answer;
use crate::error::Result;
use crate::ids::TransactionId;
use crate::schema::payme_transactions;
use crate::{Conn, Tx};

/// A created transaction that is not performed within twelve hours is cancelled.
pub(super) const TIMEOUT_MS: i64 = 43_200_000;

/// Payme's reason for a transaction whose time is over.
pub(super) const REASON_TIMEOUT: i16 = 4;

/// Payme's states, by Payme's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = SmallInt)]
pub(super) enum State {
    /// 1: waits for the payer.
    Created,
    /// 2: paid.
    Performed,
    /// -1: given up before it was paid.
    Cancelled,
    /// -2: paid, and paid back.
    Reversed,
}

impl State {
    /// Payme's number.
    pub(super) const fn number(self) -> i16 {
        match self {
            Self::Created => 1,
            Self::Performed => 2,
            Self::Cancelled => -1,
            Self::Reversed => -2,
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
        [Self::Created, Self::Performed, Self::Cancelled, Self::Reversed]
            .into_iter()
            .find(|state| state.number() == number)
            .ok_or_else(|| format!("unknown state {number} of a Payme transaction").into())
    }
}

/// A row of `payme_transactions`.
#[derive(Clone, Debug, HasQuery, AsChangeset)]
#[diesel(table_name = payme_transactions, primary_key(seq), treat_none_as_null = true)]
pub(super) struct Payment {
    /// Our number, sent as a string.
    pub seq: i64,
    /// Payme's id.
    pub id: String,
    /// The deposit.
    pub transaction_id: TransactionId,
    /// The account as Payme sent it.
    pub account: Value,
    /// What is paid.
    pub amount_tiyin: i64,
    /// When Payme created it, by Payme's clock.
    pub time_ms: i64,
    /// When we did.
    pub create_time_ms: i64,
    /// When its twelve hours are over, in business time.
    pub expires_ms: i64,
    /// 0 until it is paid.
    pub perform_time_ms: i64,
    /// 0 until it is cancelled.
    pub cancel_time_ms: i64,
    /// Where it is.
    pub state: State,
    /// Why it was cancelled.
    pub reason: Option<i16>,
    /// Receipts by type.
    pub fiscal_data: Value,
}

/// What a `PerformTransaction` comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PerformStep {
    /// Credit the payer.
    Credit,
    /// It was performed: the same answer again.
    Replay,
    /// Its time is over: it is cancelled now.
    Expired,
    /// It was cancelled.
    Refused,
}

/// What a `CancelTransaction` comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CancelStep {
    /// Nothing was paid: the deposit is cancelled.
    Release,
    /// It was paid: the money must go back.
    Reverse,
    /// It was cancelled: the same answer again.
    Replay,
}

/// When the twelve hours of a transaction are over: they count from Payme's `time`, which is real time, so the age it
/// has at its creation is taken off. A `time` that lies ahead of our clock does not make them longer.
pub(super) fn deadline(create_time_ms: i64, age_ms: i64) -> i64 {
    create_time_ms.saturating_sub(age_ms.max(0)).saturating_add(TIMEOUT_MS)
}

impl Payment {
    /// Whether its twelve hours are over. They count from Payme's `time`: see [`deadline`].
    pub(super) fn is_expired(&self, now_ms: i64) -> bool {
        self.state == State::Created && now_ms > self.expires_ms
    }

    /// Cancels it because its time is over.
    pub(super) fn expire(&mut self, now_ms: i64) {
        self.close(State::Cancelled, REASON_TIMEOUT, now_ms);
    }

    /// Performs it, if that is possible.
    pub(super) fn perform(&mut self, now_ms: i64) -> PerformStep {
        match self.state {
            State::Created if self.is_expired(now_ms) => {
                self.expire(now_ms);
                PerformStep::Expired
            }
            State::Created => {
                self.state = State::Performed;
                self.perform_time_ms = now_ms.max(self.create_time_ms);
                PerformStep::Credit
            }
            State::Performed => PerformStep::Replay,
            State::Cancelled | State::Reversed => PerformStep::Refused,
        }
    }

    /// Cancels it, if it is not cancelled: the first time and reason stay.
    pub(super) fn cancel(&mut self, reason: i16, now_ms: i64) -> CancelStep {
        match self.state {
            State::Created => {
                self.close(State::Cancelled, reason, now_ms);
                CancelStep::Release
            }
            State::Performed => {
                self.close(State::Reversed, reason, now_ms);
                CancelStep::Reverse
            }
            State::Cancelled | State::Reversed => CancelStep::Replay,
        }
    }

    /// Keeps a fiscal receipt; a repeated call keeps the last.
    pub(super) fn keep_receipt(&mut self, receipt: &str, data: Value) {
        if let Some(receipts) = self.fiscal_data.as_object_mut() {
            receipts.insert(receipt.to_owned(), data);
        }
    }

    /// A transaction's instant is its start, so one that waited for a lock may be older than what it finds:
    /// times never run backwards.
    fn close(&mut self, state: State, reason: i16, now_ms: i64) {
        self.state = state;
        self.reason = Some(reason);
        self.cancel_time_ms = now_ms.max(self.create_time_ms).max(self.perform_time_ms);
    }

    /// The answer to `CreateTransaction`.
    pub(super) fn created(&self) -> Answer {
        Ok(json!({
            "create_time": self.create_time_ms,
            "transaction": self.seq.to_string(),
            "state": self.state.number(),
            "receivers": null,
        }))
    }

    /// The answer to `PerformTransaction`.
    pub(super) fn performed(&self) -> Answer {
        Ok(json!({
            "transaction": self.seq.to_string(),
            "perform_time": self.perform_time_ms,
            "state": self.state.number(),
        }))
    }

    /// The answer to `CancelTransaction`.
    pub(super) fn cancelled(&self) -> Answer {
        Ok(json!({
            "transaction": self.seq.to_string(),
            "cancel_time": self.cancel_time_ms,
            "state": self.state.number(),
        }))
    }

    /// The answer to `CheckTransaction`.
    pub(super) fn checked(&self) -> Answer {
        Ok(json!({
            "create_time": self.create_time_ms,
            "perform_time": self.perform_time_ms,
            "cancel_time": self.cancel_time_ms,
            "transaction": self.seq.to_string(),
            "state": self.state.number(),
            "reason": self.reason,
        }))
    }

    /// Its line in `GetStatement`.
    pub(super) fn statement_line(&self) -> Value {
        json!({
            "id": self.id,
            "time": self.time_ms,
            "amount": self.amount_tiyin,
            "account": self.account,
            "create_time": self.create_time_ms,
            "perform_time": self.perform_time_ms,
            "cancel_time": self.cancel_time_ms,
            "transaction": self.seq.to_string(),
            "state": self.state.number(),
            "reason": self.reason,
            "receivers": null,
        })
    }

    /// By Payme's id, not locked.
    pub(super) async fn find(conn: &mut Conn, id: &str) -> Result<Option<Self>> {
        Ok(Self::query().filter(payme_transactions::id.eq(id)).first(conn).await.optional()?)
    }

    /// By Payme's id, locked to the end of the transaction.
    pub(super) async fn lock(tx: &mut Tx, id: &str) -> Result<Option<Self>> {
        Ok(Self::query()
            .filter(payme_transactions::id.eq(id))
            .for_no_key_update()
            .first(tx.conn())
            .await
            .optional()?)
    }

    /// The created transaction of a deposit, not locked.
    pub(super) async fn find_waiting(
        conn: &mut Conn,
        deposit: TransactionId,
    ) -> Result<Option<Self>> {
        Ok(Self::query()
            .filter(
                payme_transactions::transaction_id
                    .eq(deposit)
                    .and(payme_transactions::state.eq(State::Created)),
            )
            .first(conn)
            .await
            .optional()?)
    }

    /// Stores a changed row that this transaction has locked.
    pub(super) async fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(payme_transactions::table.filter(payme_transactions::seq.eq(self.seq)))
            .set(self)
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{CancelStep, Payment, PerformStep, State, TIMEOUT_MS, deadline};
    use crate::ids::TransactionId;

    const CREATED: i64 = 1_399_114_284_500;

    fn payment(state: State) -> Payment {
        let set = |wanted: &[State], time| if wanted.contains(&state) { time } else { 0 };
        Payment {
            seq: 5123,
            id: "5305e3bab097f420a62ced0b".to_owned(),
            transaction_id: TransactionId::new(),
            account: json!({ "order_id": "197" }),
            amount_tiyin: 500_000,
            time_ms: 1_399_114_284_039,
            create_time_ms: CREATED,
            expires_ms: deadline(CREATED, CREATED - 1_399_114_284_039),
            perform_time_ms: set(&[State::Performed, State::Reversed], CREATED + 502),
            cancel_time_ms: set(&[State::Cancelled, State::Reversed], CREATED + 503),
            state,
            reason: (state.number() < 0).then_some(1),
            fiscal_data: json!({}),
        }
    }

    #[test]
    fn perform_credits_once_and_replays() {
        for (state, step) in [
            (State::Created, PerformStep::Credit),
            (State::Performed, PerformStep::Replay),
            (State::Cancelled, PerformStep::Refused),
            (State::Reversed, PerformStep::Refused),
        ] {
            assert_eq!(payment(state).perform(CREATED + 502), step, "{state:?}");
        }
        let mut row = payment(State::Created);
        assert_eq!(row.perform(CREATED + 502), PerformStep::Credit);
        let first = row.performed();
        assert_eq!(row.perform(CREATED + 9_999), PerformStep::Replay);
        assert_eq!(row.performed(), first);
        assert_eq!(
            first,
            Ok(json!({ "transaction": "5123", "perform_time": CREATED + 502, "state": 2 }))
        );
    }

    #[test]
    fn twelve_hours_count_from_paymes_time_and_end_a_millisecond_later() {
        let row = payment(State::Created);
        assert!(!row.is_expired(row.time_ms + TIMEOUT_MS));
        assert!(row.is_expired(row.time_ms + TIMEOUT_MS + 1));
        for state in [State::Performed, State::Cancelled, State::Reversed] {
            assert!(!payment(state).is_expired(i64::MAX), "{state:?}");
        }
        assert_eq!(
            deadline(CREATED, -5_000),
            CREATED + TIMEOUT_MS,
            "a time in the future buys no time"
        );

        let mut late = payment(State::Created);
        let now = late.time_ms + TIMEOUT_MS + 1;
        assert_eq!(late.perform(now), PerformStep::Expired);
        assert_eq!(
            (late.state, late.reason, late.cancel_time_ms, late.perform_time_ms),
            (State::Cancelled, Some(4), now, 0)
        );
        assert_eq!(late.perform(now), PerformStep::Refused);
    }

    #[test]
    fn cancel_keeps_its_first_time_and_reason() {
        for (state, step) in [
            (State::Created, CancelStep::Release),
            (State::Performed, CancelStep::Reverse),
            (State::Cancelled, CancelStep::Replay),
            (State::Reversed, CancelStep::Replay),
        ] {
            assert_eq!(payment(state).cancel(5, CREATED + 503), step, "{state:?}");
        }
        let mut row = payment(State::Performed);
        assert_eq!(row.cancel(5, CREATED + 503), CancelStep::Reverse);
        let (first, check) = (row.cancelled(), row.checked());
        assert_eq!(row.cancel(3, CREATED + 9_999), CancelStep::Replay);
        assert_eq!((row.cancelled(), row.checked()), (first, check));
        assert_eq!(
            (row.state, row.reason, row.perform_time_ms),
            (State::Reversed, Some(5), CREATED + 502)
        );
    }

    #[test]
    fn times_never_run_backwards() {
        let mut row = payment(State::Created);
        row.perform(CREATED - 50);
        assert_eq!(row.perform_time_ms, CREATED);
        let mut row = payment(State::Performed);
        row.cancel(5, CREATED);
        assert_eq!(row.cancel_time_ms, row.perform_time_ms);
    }

    #[test]
    fn a_check_always_has_all_six_members() {
        let answer = payment(State::Created).checked().expect("an answer");
        let members =
            ["create_time", "perform_time", "cancel_time", "transaction", "state", "reason"];
        assert_eq!(answer.as_object().map(serde_json::Map::len), Some(members.len()));
        assert!(members.iter().all(|member| answer.get(member).is_some()), "{answer}");
        assert_eq!(answer.get("transaction"), Some(&json!("5123")), "a string");
    }
}
