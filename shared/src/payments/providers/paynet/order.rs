//! The account a payer pays: a deposit, by its id.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::PROVIDER;
use super::errors::Refusal;
use super::rpc::Params;
use crate::error::Result;
use crate::escrow::{self, EscrowStatus};
use crate::ids::TransactionId;
use crate::payments::deposit::DEPOSIT_MAX;
use crate::payments::providers::Provider;
use crate::payments::{Transaction, TransactionStatus, TransactionType};
use crate::schema::{escrows, payment_methods};
use crate::{Conn, Money, Tx};

/// What the payer types is in one of these, by what Paynet was told to ask for.
const ORDER_FIELDS: [&str; 2] = ["order_id", "client_id"];

/// What the payer typed, and the deposit it names, if it names one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Account {
    field: &'static str,
    typed: Value,
    order: Option<TransactionId>,
}

impl Account {
    /// Reads `fields`: an object whose `order_id` or `client_id` is a string or a number.
    pub(super) fn read(params: Params<'_>) -> std::result::Result<Self, Refusal> {
        let fields = params.object("fields")?;
        let given = |name: &'static str| Some((name, fields.get(name).filter(|v| !v.is_null())?));
        let [order_id, _client_id] = ORDER_FIELDS;
        let (field, typed) =
            ORDER_FIELDS.into_iter().find_map(given).ok_or_else(|| Refusal::missing(order_id))?;
        let order = match typed {
            Value::String(text) => deposit_id(text),
            // Our ids are never numbers, but a payer may type one.
            Value::Number(_) => None,
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                return Err(Refusal::params(field));
            }
        };
        Ok(Self { field, typed: typed.clone(), order })
    }

    /// What the payer typed, as it is kept.
    pub(super) fn typed(&self) -> Value {
        Value::Object(Map::from_iter([(self.field.to_owned(), self.typed.clone())]))
    }
}

/// Whether a field of `fields` may be on record.
pub(super) fn is_kept(field: &str) -> bool {
    ORDER_FIELDS.contains(&field)
}

/// An id in the form that links have: no braces, no URN, 36 characters.
fn deposit_id(text: &str) -> Option<TransactionId> {
    let text = text.trim();
    if text.len() == 36 { Uuid::try_parse(text).ok().map(TransactionId) } else { None }
}

/// A deposit by Paynet, with what decides whether it may be paid now.
pub(super) struct Order {
    /// The deposit.
    pub deposit: Transaction,
    /// Whether staff have the method switched on.
    method_is_on: bool,
    /// Whether the deal it would pay still waits; true without a deal.
    deal_waits: bool,
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

    /// The order with its deal and its deposit locked, in this order. Only deposits by Paynet are locked: nothing else is
    /// Paynet's to touch.
    pub(super) async fn lock(tx: &mut Tx, account: &Account) -> Result<Option<Self>> {
        let Some(seen) = Self::find(tx, account).await? else { return Ok(None) };
        if let Some(deal) = seen.deposit.escrow_id {
            escrow::lock_for_payment(tx, deal).await?;
        }
        let deposit = Transaction::lock(tx, seen.deposit.id).await?;
        Self::around(tx, deposit).await
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
        if Provider::parse(&code) != Some(PROVIDER) {
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
        Ok(Some(Self { deposit, method_is_on, deal_waits }))
    }

    /// Whether it may be paid now.
    pub(super) fn admits(&self, now: DateTime<Utc>) -> std::result::Result<(), Refusal> {
        if !self.method_is_on {
            return Err(Refusal::switched_off());
        }
        match self.deposit.status {
            TransactionStatus::Completed => Err(Refusal::paid()),
            // Paynet begins and pays in one call: a deposit that is somewhere between is nobody's to pay.
            TransactionStatus::Cancelled
            | TransactionStatus::Failed
            | TransactionStatus::Processing => Err(Refusal::over()),
            TransactionStatus::Pending if self.deposit.is_abandoned(now) || !self.deal_waits => {
                Err(Refusal::over())
            }
            TransactionStatus::Pending => Ok(()),
        }
    }

    /// Whether this is its amount, in tiyin.
    pub(super) fn costs(&self, amount: i64) -> std::result::Result<(), Refusal> {
        let amount = Money::from_tiyin(amount);
        if amount == self.deposit.amount {
            Ok(())
        } else if amount > Money::from_soum(DEPOSIT_MAX) {
            Err(Refusal::over_limit())
        } else {
            Err(Refusal::amount())
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use serde_json::{Map, Value, json};

    use super::{Account, Order};
    use crate::Money;
    use crate::ids::{TransactionId, UserId};
    use crate::payments::providers::paynet::errors::Refusal;
    use crate::payments::providers::paynet::rpc::Params;
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
        Order { deposit, method_is_on: true, deal_waits: true }
    }

    #[test]
    fn only_a_waiting_deposit_may_be_paid() {
        let code = |order: &Order| order.admits(now()).err().map(|refusal| refusal.code);
        assert_eq!(code(&order(TransactionStatus::Pending)), None);
        for status in [
            TransactionStatus::Processing,
            TransactionStatus::Completed,
            TransactionStatus::Cancelled,
            TransactionStatus::Failed,
        ] {
            assert_eq!(code(&order(status)), Some(302), "{status}");
        }
        let pending = || order(TransactionStatus::Pending);
        assert_eq!(code(&Order { method_is_on: false, ..pending() }), Some(100));
        assert_eq!(code(&Order { deal_waits: false, ..pending() }), Some(302));
        let mut old = pending();
        old.deposit.created_at = now() - TimeDelta::hours(25);
        assert_eq!(code(&old), Some(302));
    }

    #[test]
    fn the_amount_is_exact() {
        let pending = order(TransactionStatus::Pending);
        assert_eq!(pending.costs(500_000), Ok(()));
        for wrong in [5_000, 499_999, 500_001, 0, -500_000, i64::MIN, 10_000_000_000] {
            assert_eq!(pending.costs(wrong), Err(Refusal::amount()), "{wrong}");
        }
        for huge in [10_000_000_001, i64::MAX] {
            assert_eq!(pending.costs(huge), Err(Refusal::over_limit()), "{huge}");
        }
    }

    #[test]
    fn accounts_are_read_as_payers_type_them() {
        let id = TransactionId::new();
        let read = |fields: Value| {
            let params: Map<String, Value> = [("fields".to_owned(), fields)].into_iter().collect();
            Account::read(Params(&params)).map(|account| account.order)
        };
        assert_eq!(read(json!({ "order_id": id.to_string() })), Ok(Some(id)));
        assert_eq!(read(json!({ "client_id": id.to_string().to_uppercase() })), Ok(Some(id)));
        assert_eq!(read(json!({ "order_id": null, "client_id": format!(" {id} ") })), Ok(Some(id)));
        for unknown in [json!("197"), json!(197), json!(1.5), json!(""), json!(format!("{{{id}}}"))]
        {
            assert_eq!(read(json!({ "order_id": unknown })), Ok(None), "{unknown}");
        }
        assert_eq!(read(json!({})), Err(Refusal::missing("order_id")));
        assert_eq!(read(json!({ "order_id": null })), Err(Refusal::missing("order_id")));
        assert_eq!(read(json!({ "order_id": [] })), Err(Refusal::params("order_id")));
        assert_eq!(read(json!("197")), Err(Refusal::params("fields")));
        assert_eq!(read(json!(null)), Err(Refusal::missing("fields")));
    }

    #[test]
    fn only_what_names_the_order_is_kept() {
        let params: Map<String, Value> =
            [("fields".to_owned(), json!({ "card": "8600", "client_id": 7 }))]
                .into_iter()
                .collect();
        let account = Account::read(Params(&params)).expect("an account");
        assert_eq!(account.typed(), json!({ "client_id": 7 }));
    }
}
