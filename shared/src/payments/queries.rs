//! Reading payment methods and a person's own transactions.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::{PaymentMethod, Transaction, TransactionStatus, TransactionType};
use crate::Conn;
use crate::error::{Code, Error, Result};
use crate::ids::{TransactionId, UserId};
use crate::page::{Page, Window};
use crate::schema::{payment_methods, transactions};

/// Which of a person's transactions.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransactionFilters {
    /// Only of this type.
    pub kind: Option<TransactionType>,
    /// Only in this status.
    pub status: Option<TransactionStatus>,
}

/// In which order. Equal rows follow their id, so that pages never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionOrder {
    /// Oldest first.
    Oldest,
    /// Newest first.
    Newest,
    /// Smallest amount first.
    Smallest,
    /// Largest amount first.
    Largest,
}

/// A transaction with the code of its payment method.
#[derive(Clone, Debug)]
pub struct TransactionRow {
    /// The row.
    pub transaction: Transaction,
    /// `payme`, …; none for what happens inside the platform.
    pub payment_method: Option<String>,
}

/// One window of the methods that are switched on, by name.
///
/// # Errors
/// The database's.
pub async fn active_methods(conn: &mut Conn, window: Window) -> Result<Page<PaymentMethod>> {
    let rows = PaymentMethod::query()
        .filter(payment_methods::is_active)
        .order(payment_methods::name)
        .limit(window.limit)
        .offset(window.offset)
        .load(conn)
        .await?;
    let count =
        payment_methods::table.filter(payment_methods::is_active).count().get_result(conn).await?;
    Ok(Page { rows, count })
}

/// One window of a person's transactions.
///
/// # Errors
/// The database's.
pub async fn transactions_of(
    conn: &mut Conn,
    user: UserId,
    filters: TransactionFilters,
    order: TransactionOrder,
    window: Window,
) -> Result<Page<TransactionRow>> {
    let mut wanted = transactions::table
        .left_join(payment_methods::table)
        .filter(transactions::user_id.eq(user))
        .into_boxed();
    let mut counted = transactions::table.filter(transactions::user_id.eq(user)).into_boxed();
    if let Some(kind) = filters.kind {
        wanted = wanted.filter(transactions::kind.eq(kind));
        counted = counted.filter(transactions::kind.eq(kind));
    }
    if let Some(status) = filters.status {
        wanted = wanted.filter(transactions::status.eq(status));
        counted = counted.filter(transactions::status.eq(status));
    }
    let sorted = match order {
        TransactionOrder::Oldest => {
            wanted.order((transactions::created_at.asc(), transactions::id.asc()))
        }
        TransactionOrder::Newest => {
            wanted.order((transactions::created_at.desc(), transactions::id.desc()))
        }
        TransactionOrder::Smallest => {
            wanted.order((transactions::amount.asc(), transactions::id.asc()))
        }
        TransactionOrder::Largest => {
            wanted.order((transactions::amount.desc(), transactions::id.desc()))
        }
    };
    let rows: Vec<(Transaction, Option<String>)> = sorted
        .select((Transaction::as_select(), payment_methods::code.nullable()))
        .limit(window.limit)
        .offset(window.offset)
        .load(conn)
        .await?;
    let count = counted.count().get_result(conn).await?;
    Ok(Page { rows: rows.into_iter().map(TransactionRow::from).collect(), count })
}

/// A person's own transaction.
///
/// # Errors
/// `NOT_FOUND` when it is not theirs, or not there: the caller learns no more.
pub async fn find_own(conn: &mut Conn, user: UserId, id: TransactionId) -> Result<TransactionRow> {
    let row: Option<(Transaction, Option<String>)> = transactions::table
        .left_join(payment_methods::table)
        .filter(transactions::id.eq(id).and(transactions::user_id.eq(user)))
        .select((Transaction::as_select(), payment_methods::code.nullable()))
        .first(conn)
        .await
        .optional()?;
    row.map(TransactionRow::from).ok_or_else(|| Error::new(Code::NotFound))
}

impl From<(Transaction, Option<String>)> for TransactionRow {
    fn from((transaction, payment_method): (Transaction, Option<String>)) -> Self {
        Self { transaction, payment_method }
    }
}
