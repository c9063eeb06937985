//! Reading transactions: one person's, or everybody's for staff; in pages, or as a feed that goes on after a row.

use chrono::{DateTime, Utc};
use diesel::dsl::{IntoBoxed, auto_type};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Transaction, TransactionStatus, TransactionType};
use crate::error::{Code, Error, Result};
use crate::ids::{EscrowId, TransactionId, UserId};
use crate::listings::queries::{display_name, escape_like};
use crate::page::{After, Part, Slice};
use crate::schema::{payment_methods, transactions, users};
use crate::{Conn, Money};

/// Whose transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One person's.
    Of(UserId),
    /// Everybody's: for staff.
    Everything,
}

/// Which transactions. What is left out does not narrow.
#[derive(Clone, Debug, Default)]
pub struct TransactionFilters {
    /// Only of this type.
    pub kind: Option<TransactionType>,
    /// Only in this status.
    pub status: Option<TransactionStatus>,
    /// Only by the payment method of this code.
    pub payment_method: Option<&'static str>,
    /// Only of this deal.
    pub escrow: Option<EscrowId>,
    /// Only of this person: for staff.
    pub user: Option<UserId>,
    /// Recorded at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Recorded before this instant.
    pub until: Option<DateTime<Utc>>,
    /// Of this amount or more.
    pub min_amount: Option<Money>,
    /// Of this amount or less.
    pub max_amount: Option<Money>,
    /// A transaction's id, or a part of its description or of its provider's id; for staff also of the person's e-mail.
    pub search: Option<String>,
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

/// A transaction, and whose it is.
#[derive(Clone, Debug)]
pub struct TransactionView {
    /// The transaction.
    pub row: TransactionRow,
    /// The person's address.
    pub user_email: String,
    /// What others call the person.
    pub user_name: String,
}

type Row = (Transaction, Option<String>, (String, Option<String>, String));

/// What a list shows of them; the type has no name worth writing.
macro_rules! columns {
    () => {
        (
            Transaction::as_select(),
            payment_methods::code.nullable(),
            (users::email, users::username, users::full_name),
        )
    };
}

#[auto_type]
fn joined() -> _ {
    transactions::table.inner_join(users::table.on(users::id.eq(transactions::user_id))).left_join(
        payment_methods::table
            .on(payment_methods::id.nullable().eq(transactions::payment_method_id)),
    )
}

/// One part of the transactions.
///
/// # Errors
/// `INVALID_CURSOR` when the part begins after a key that no row has in this order.
pub async fn transactions_of(
    conn: &mut Conn,
    scope: Scope,
    filters: &TransactionFilters,
    order: TransactionOrder,
    slice: Slice,
) -> Result<Part<TransactionView>> {
    match slice {
        Slice::Window(window) => {
            let rows = ordered(matching(scope, filters), order)
                .select(columns!())
                .limit(window.limit)
                .offset(window.offset)
                .load::<Row>(conn)
                .await?;
            let count = matching(scope, filters).count().get_result(conn).await?;
            Ok(Part { rows: views(rows), count: Some(count), next: None })
        }
        Slice::Feed { limit, after } => {
            let wanted = match after {
                Some(after) => beyond(matching(scope, filters), order, &after)?,
                None => matching(scope, filters),
            };
            // One row more than is shown says whether there is a next part.
            let found = ordered(wanted, order).select(columns!()).limit(limit.saturating_add(1));
            let mut rows = views(found.load::<Row>(conn).await?);
            let shown = usize::try_from(limit).unwrap_or(usize::MAX);
            let more = rows.len() > shown;
            rows.truncate(shown);
            let next =
                rows.last().filter(|_| more).map(|view| place_of(&view.row.transaction, order));
            Ok(Part { rows, count: None, next })
        }
    }
}

/// A person's own transaction.
///
/// # Errors
/// `NOT_FOUND` when it is not theirs, or not there: the caller learns no more.
pub async fn find_own(conn: &mut Conn, user: UserId, id: TransactionId) -> Result<TransactionRow> {
    let row = find_view(conn, id).await?.row;
    if row.transaction.user_id == user { Ok(row) } else { Err(Error::new(Code::NotFound)) }
}

/// Any transaction: for staff.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn find_any(conn: &mut Conn, id: TransactionId) -> Result<TransactionRow> {
    Ok(find_view(conn, id).await?.row)
}

/// Any transaction, and whose it is: for staff.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn find_view(conn: &mut Conn, id: TransactionId) -> Result<TransactionView> {
    let row: Row = joined().filter(transactions::id.eq(id)).select(columns!()).first(conn).await?;
    Ok(row.into())
}

fn views(rows: Vec<Row>) -> Vec<TransactionView> {
    rows.into_iter().map(TransactionView::from).collect()
}

fn matching(scope: Scope, filters: &TransactionFilters) -> IntoBoxed<'static, joined, Pg> {
    let mut wanted = joined().into_boxed();
    if let Scope::Of(user) = scope {
        wanted = wanted.filter(transactions::user_id.eq(user));
    }
    if let Some(user) = filters.user {
        wanted = wanted.filter(transactions::user_id.eq(user));
    }
    if let Some(kind) = filters.kind {
        wanted = wanted.filter(transactions::kind.eq(kind));
    }
    if let Some(status) = filters.status {
        wanted = wanted.filter(transactions::status.eq(status));
    }
    if let Some(code) = filters.payment_method {
        wanted = wanted.filter(payment_methods::code.nullable().eq(code));
    }
    if let Some(escrow) = filters.escrow {
        wanted = wanted.filter(transactions::escrow_id.eq(escrow));
    }
    if let Some(since) = filters.since {
        wanted = wanted.filter(transactions::created_at.ge(since));
    }
    if let Some(until) = filters.until {
        wanted = wanted.filter(transactions::created_at.lt(until));
    }
    if let Some(amount) = filters.min_amount {
        wanted = wanted.filter(transactions::amount.ge(amount));
    }
    if let Some(amount) = filters.max_amount {
        wanted = wanted.filter(transactions::amount.le(amount));
    }
    if let Some(text) = &filters.search {
        let part = format!("%{}%", escape_like(text));
        let id = Uuid::parse_str(text).ok().map(TransactionId);
        let found = transactions::id
            .nullable()
            .eq(id)
            .or(transactions::description.ilike(part.clone()))
            .or(transactions::provider_transaction_id.ilike(part.clone()));
        wanted = match scope {
            Scope::Of(_) => wanted.filter(found),
            Scope::Everything => wanted.filter(found.or(users::email.ilike(part))),
        };
    }
    wanted
}

fn ordered(
    wanted: IntoBoxed<'static, joined, Pg>,
    order: TransactionOrder,
) -> IntoBoxed<'static, joined, Pg> {
    let (newest, oldest) = (transactions::id.desc(), transactions::id.asc());
    match order {
        TransactionOrder::Oldest => wanted.order((transactions::created_at.asc(), oldest)),
        TransactionOrder::Newest => wanted.order((transactions::created_at.desc(), newest)),
        TransactionOrder::Smallest => wanted.order((transactions::amount.asc(), oldest)),
        TransactionOrder::Largest => wanted.order((transactions::amount.desc(), newest)),
    }
}

/// The rows that follow another in this order. The first half of each condition is a range of an index.
fn beyond(
    wanted: IntoBoxed<'static, joined, Pg>,
    order: TransactionOrder,
    after: &After,
) -> Result<IntoBoxed<'static, joined, Pg>> {
    use transactions::{amount, created_at, id};
    let last = TransactionId(after.id);
    Ok(match order {
        TransactionOrder::Oldest => {
            let at = instant(after)?;
            wanted.filter(created_at.ge(at).and(created_at.gt(at).or(id.gt(last))))
        }
        TransactionOrder::Newest => {
            let at = instant(after)?;
            wanted.filter(created_at.le(at).and(created_at.lt(at).or(id.lt(last))))
        }
        TransactionOrder::Smallest => {
            let of = sum(after)?;
            wanted.filter(amount.ge(of).and(amount.gt(of).or(id.gt(last))))
        }
        TransactionOrder::Largest => {
            let of = sum(after)?;
            wanted.filter(amount.le(of).and(amount.lt(of).or(id.lt(last))))
        }
    })
}

/// Where a row is in this order.
fn place_of(row: &Transaction, order: TransactionOrder) -> After {
    let key = match order {
        TransactionOrder::Oldest | TransactionOrder::Newest => {
            row.created_at.timestamp_micros().to_string()
        }
        TransactionOrder::Smallest | TransactionOrder::Largest => row.amount.to_string(),
    };
    After { key, id: row.id.0 }
}

fn instant(after: &After) -> Result<DateTime<Utc>> {
    let micros = after.key.parse().ok();
    let at = micros.and_then(DateTime::from_timestamp_micros);
    // PostgreSQL knows fewer years than chrono.
    at.filter(|at| (0..=9_999).contains(&chrono::Datelike::year(at)))
        .ok_or_else(|| Error::new(Code::InvalidCursor))
}

fn sum(after: &After) -> Result<Money> {
    Money::parse(&after.key).ok_or_else(|| Error::new(Code::InvalidCursor))
}

impl From<Row> for TransactionView {
    fn from((transaction, payment_method, person): Row) -> Self {
        let (user_email, username, full_name) = person;
        let user_name = display_name(&full_name, username.as_deref(), &user_email).to_owned();
        Self { row: TransactionRow { transaction, payment_method }, user_email, user_name }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_place_is_read_back_in_its_own_order_only() {
        let at = DateTime::UNIX_EPOCH + TimeDelta::microseconds(1_764_000_000_123_456);
        let row =
            Transaction::new(TransactionType::Sale, UserId::new(), Money::from_tiyin(12_345), at);
        let by_time = place_of(&row, TransactionOrder::Newest);
        assert_eq!(instant(&by_time).ok(), Some(at));
        let by_amount = place_of(&row, TransactionOrder::Smallest);
        assert_eq!(sum(&by_amount).ok(), Some(row.amount));
        assert!(instant(&by_amount).is_err(), "an amount is no instant");
        for key in ["", "x", "9223372036854775807", "-9223372036854775808", "1e5"] {
            assert!(instant(&After { key: key.to_owned(), id: row.id.0 }).is_err(), "{key}");
        }
    }
}
