//! The account a payer pays: a deposit, by its id.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::errors::{ACCOUNT_FIELD, Refusal};
use super::row::Payment;
use super::rpc::Params;
use crate::error::Result;
use crate::escrow::EscrowStatus;
use crate::ids::TransactionId;
use crate::payments::providers::Provider;
use crate::payments::{Transaction, TransactionStatus, TransactionType};
use crate::schema::{escrows, payment_methods};
use crate::{Conn, Money, Tx};

/// The account as Payme sent it, and the deposit it names, if it names one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Account {
    /// As it came, for the statement.
    pub sent: Map<String, Value>,
    /// The deposit's id; none when the text is not one of our ids.
    pub order: Option<TransactionId>,
}

impl Account {
    /// Reads `account`: an object whose `order_id` is a string or a number.
    pub(super) fn read(params: Params<'_>) -> std::result::Result<Self, Refusal> {
        let sent = params.object("account")?.clone();
        let order = match sent.get(ACCOUNT_FIELD) {
            Some(Value::String(text)) => order_id(text),
            // Our ids are never numbers, but a payer may type one.
            Some(Value::Number(_) | Value::Null) | None => None,
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(Refusal::request(ACCOUNT_FIELD));
            }
        };
        Ok(Self { sent, order })
    }
}

/// An id in the form that links have: no braces, no URN, 36 characters.
fn order_id(text: &str) -> Option<TransactionId> {
    if text.len() == 36 { Uuid::try_parse(text).ok().map(TransactionId) } else { None }
}

/// A deposit by Payme, with what decides whether it may be paid now.
pub(super) struct Order {
    /// The deposit.
    pub deposit: Transaction,
    /// Whether staff have the method switched on.
    method_is_on: bool,
    /// Whether the deal it would pay still waits; true without a deal.
    deal_waits: bool,
    /// Payme's transaction that waits for its payer, if there is one.
    pub waiting: Option<Payment>,
}

/// Why a payment cannot begin, beyond a plain refusal.
#[derive(Debug, PartialEq)]
pub(super) enum Obstacle {
    /// Answer this.
    Refused(Refusal),
    /// The waiting transaction's time is over: with it the deposit's.
    WaitingExpired,
}

impl Order {
    /// The order as it is now.
    pub(super) async fn find(conn: &mut Conn, account: &Account) -> Result<Option<Self>> {
        let Some(id) = account.order else { return Ok(None) };
        match Transaction::find(conn, id).await? {
            Some(deposit) => Self::around(conn, deposit).await,
            None => Ok(None),
        }
    }

    /// The order with its deposit locked. Only deposits are locked: no other movement is Payme's to touch.
    pub(super) async fn lock(tx: &mut Tx, account: &Account) -> Result<Option<Self>> {
        let Some(id) = account.order else { return Ok(None) };
        match Transaction::find(tx, id).await? {
            Some(row) if row.kind == TransactionType::Deposit => {
                let deposit = Transaction::lock(tx, id).await?;
                Self::around(tx, deposit).await
            }
            Some(_) | None => Ok(None),
        }
    }

    async fn around(conn: &mut Conn, deposit: Transaction) -> Result<Option<Self>> {
        if deposit.kind != TransactionType::Deposit {
            return Ok(None);
        }
        let Some(method) = deposit.payment_method_id else { return Ok(None) };
        let (code, method_is_on): (String, bool) = payment_methods::table
            .select((payment_methods::code, payment_methods::is_active))
            .filter(payment_methods::id.eq(method))
            .first(conn)
            .await?;
        if Provider::parse(&code) != Some(Provider::Payme) {
            return Ok(None);
        }
        let deal_waits = match deposit.escrow_id {
            Some(deal) => {
                let waits = escrows::table.filter(
                    escrows::id.eq(deal).and(escrows::status.eq(EscrowStatus::PendingPayment)),
                );
                diesel::select(diesel::dsl::exists(waits)).get_result(conn).await?
            }
            None => true,
        };
        let waiting = Payment::find_waiting(conn, deposit.id).await?;
        Ok(Some(Self { deposit, method_is_on, deal_waits, waiting }))
    }

    /// Whether a payment of this amount may begin now.
    pub(super) fn admits(
        &self,
        amount: i64,
        busy_code: i64,
        now: chrono::DateTime<chrono::Utc>,
    ) -> std::result::Result<(), Obstacle> {
        let refused = |refusal| Err(Obstacle::Refused(refusal));
        if !self.method_is_on {
            return refused(Refusal::switched_off());
        }
        if Money::from_tiyin(amount) != self.deposit.amount {
            return refused(Refusal::amount());
        }
        match self.deposit.status {
            TransactionStatus::Completed => return refused(Refusal::paid()),
            TransactionStatus::Cancelled | TransactionStatus::Failed => {
                return refused(Refusal::over());
            }
            TransactionStatus::Pending | TransactionStatus::Processing => {}
        }
        match &self.waiting {
            Some(payment) if payment.is_expired(now.timestamp_millis()) => {
                Err(Obstacle::WaitingExpired)
            }
            Some(_) => refused(Refusal::busy(busy_code)),
            None if self.deposit.is_abandoned(now) || !self.deal_waits => refused(Refusal::over()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use serde_json::{Map, Value, json};

    use super::{Account, Obstacle, Order};
    use crate::Money;
    use crate::ids::{TransactionId, UserId};
    use crate::payments::providers::payme::errors::Refusal;
    use crate::payments::providers::payme::row::{Payment, State, TIMEOUT_MS, deadline};
    use crate::payments::providers::payme::rpc::Params;
    use crate::payments::{Transaction, TransactionStatus, TransactionType};

    fn now() -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(9_000)
    }

    fn order(status: TransactionStatus) -> Order {
        let deposit = Transaction {
            status,
            ..Transaction::new(
                TransactionType::Deposit,
                UserId::new(),
                Money::from_soum(5_000),
                now(),
            )
        };
        Order { deposit, method_is_on: true, deal_waits: true, waiting: None }
    }

    fn waiting(order: &Order, time_ms: i64) -> Payment {
        Payment {
            seq: 1,
            id: "a".to_owned(),
            transaction_id: order.deposit.id,
            account: json!({}),
            amount_tiyin: 500_000,
            time_ms,
            create_time_ms: time_ms,
            expires_ms: deadline(time_ms, 0),
            perform_time_ms: 0,
            cancel_time_ms: 0,
            state: State::Created,
            reason: None,
            fiscal_data: json!({}),
        }
    }

    fn code(order: &Order, amount: i64) -> Option<i64> {
        match order.admits(amount, -31_099, now()) {
            Ok(()) => None,
            Err(Obstacle::Refused(refusal)) => Some(refusal.code),
            Err(Obstacle::WaitingExpired) => Some(0),
        }
    }

    #[test]
    fn only_a_waiting_deposit_of_the_exact_amount_admits_a_payment() {
        let pending = order(TransactionStatus::Pending);
        assert_eq!(code(&pending, 500_000), None);
        for amount in [5_000, 499_999, 500_001, 0, -500_000, i64::MAX, i64::MIN] {
            assert_eq!(code(&pending, amount), Some(-31_001), "{amount}");
        }
        assert_eq!(code(&order(TransactionStatus::Completed), 500_000), Some(-31_051));
        assert_eq!(code(&order(TransactionStatus::Cancelled), 500_000), Some(-31_052));
        assert_eq!(code(&order(TransactionStatus::Failed), 500_000), Some(-31_052));
        assert_eq!(
            code(&Order { method_is_on: false, ..order(TransactionStatus::Pending) }, 500_000),
            Some(-31_053)
        );
        assert_eq!(
            code(&Order { deal_waits: false, ..order(TransactionStatus::Pending) }, 500_000),
            Some(-31_052)
        );
        let mut old = order(TransactionStatus::Pending);
        old.deposit.created_at = now() - TimeDelta::hours(25);
        assert_eq!(code(&old, 500_000), Some(-31_052));
    }

    #[test]
    fn a_second_payer_is_told_that_it_is_busy_until_the_first_ones_time_is_over() {
        let mut busy = order(TransactionStatus::Processing);
        busy.waiting = Some(waiting(&busy, now().timestamp_millis()));
        assert_eq!(code(&busy, 500_000), Some(-31_099));
        busy.waiting = Some(waiting(&busy, now().timestamp_millis() - TIMEOUT_MS - 1));
        assert_eq!(code(&busy, 500_000), Some(0));
    }

    #[test]
    fn accounts_are_read_as_payers_type_them() {
        let id = TransactionId::new();
        let read = |account: Value| {
            let params: Map<String, Value> =
                [("account".to_owned(), account)].into_iter().collect();
            Account::read(Params(&params)).map(|account| account.order)
        };
        assert_eq!(read(json!({ "order_id": id.to_string() })), Ok(Some(id)));
        assert_eq!(read(json!({ "order_id": id.to_string().to_uppercase() })), Ok(Some(id)));
        for unknown in [
            json!("197"),
            json!(197),
            json!(1.5),
            json!(null),
            json!(""),
            json!(format!("{{{id}}}")),
            json!(id.0.simple().to_string()),
        ] {
            assert_eq!(read(json!({ "order_id": unknown })), Ok(None), "{unknown}");
        }
        assert_eq!(read(json!({})), Ok(None));
        assert_eq!(read(json!({ "order_id": [] })), Err(Refusal::request("order_id")));
        assert_eq!(read(json!("197")), Err(Refusal::request("account")));
    }
}
