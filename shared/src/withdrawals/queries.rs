//! Reading withdrawals: a person's own, and all of them for staff.

use diesel::dsl::not;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::card::CardType;
use super::model::Withdrawal;
use crate::Conn;
use crate::error::Result;
use crate::ids::{TransactionId, UserId};
use crate::listings::queries::escape_like;
use crate::page::{Page, Window};
use crate::payments::{Transaction, TransactionStatus};
use crate::schema::{transactions, users, withdrawals};

/// A withdrawal with all that its page shows.
#[derive(Clone)]
pub struct View {
    /// How much, and where it is.
    pub transaction: Transaction,
    /// To where, and who looked at it.
    pub withdrawal: Withdrawal,
    /// Whose it is.
    pub owner: Owner,
}

/// Whose money it is.
#[derive(Clone, Debug, Queryable)]
pub struct Owner {
    /// Their id.
    pub id: UserId,
    /// For staff only.
    pub email: String,
    /// As it stands in addresses.
    pub username: Option<String>,
    /// As they wrote it.
    pub full_name: String,
}

/// Whose withdrawals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A person's own.
    Of(UserId),
    /// All: for staff.
    Everything,
}

/// How a withdrawal stands, as the lists speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In this status; cancelled by its owner.
    In(TransactionStatus),
    /// Refused by staff: stored as cancelled.
    Rejected,
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Standing so.
    pub state: Option<State>,
    /// To this type of card.
    pub card_type: Option<CardType>,
    /// Waiting for an approval of staff, or not.
    pub needs_approval: Option<bool>,
    /// Without a definite answer, or not.
    pub unknown: Option<bool>,
    /// A withdrawal's id, or a part of the owner's e-mail, username or name, or of the masked card.
    pub search: Option<String>,
}

/// In which order; equals follow their id, so that pages never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    Newest,
    /// Oldest first.
    Oldest,
    /// Largest first.
    Largest,
    /// Smallest first.
    Smallest,
    /// What waits for somebody first: a Pro seller's, then the oldest; what is over comes after, newest first.
    Urgent,
}

type Row = (Withdrawal, Transaction, Owner);

/// The tables of a withdrawal; the type has no name worth writing.
macro_rules! joined {
    () => {
        withdrawals::table
            .inner_join(transactions::table.on(transactions::id.eq(withdrawals::transaction_id)))
            .inner_join(users::table.on(users::id.eq(withdrawals::user_id)))
    };
}

macro_rules! columns {
    () => {
        (
            Withdrawal::as_select(),
            Transaction::as_select(),
            (users::id, users::email, users::username, users::full_name),
        )
    };
}

/// What the filters leave of the rows.
macro_rules! narrowed {
    ($rows:expr, $scope:expr, $filter:expr) => {{
        let mut rows = $rows;
        if let Scope::Of(user) = $scope {
            rows = rows.filter(withdrawals::user_id.eq(user));
        }
        match $filter.state {
            Some(State::In(status)) => {
                let not_rejected = withdrawals::rejected_by.is_null();
                rows = rows.filter(transactions::status.eq(status).and(not_rejected));
            }
            Some(State::Rejected) => rows = rows.filter(withdrawals::rejected_by.is_not_null()),
            None => {}
        }
        if let Some(card_type) = $filter.card_type {
            rows = rows.filter(withdrawals::card_type.eq(card_type));
        }
        if let Some(needed) = $filter.needs_approval {
            let first = withdrawals::approvals_needed.gt(0).and(withdrawals::approved_by.is_null());
            let second =
                withdrawals::approvals_needed.gt(1).and(withdrawals::second_approved_by.is_null());
            let waits = transactions::status.eq(TransactionStatus::Pending).and(first.or(second));
            rows = if needed { rows.filter(waits) } else { rows.filter(not(waits)) };
        }
        if let Some(unknown) = $filter.unknown {
            let open = withdrawals::outcome_unknown_at
                .is_not_null()
                .and(withdrawals::settled_at.is_null());
            rows = if unknown { rows.filter(open) } else { rows.filter(not(open)) };
        }
        if let Some(text) = &$filter.search {
            let part = format!("%{}%", escape_like(text));
            let id = Uuid::parse_str(text).ok().map(TransactionId);
            rows = rows.filter(
                withdrawals::transaction_id
                    .nullable()
                    .eq(id)
                    .or(users::email.ilike(part.clone()))
                    .or(users::full_name.ilike(part.clone()))
                    .or(users::username.ilike(part.clone()))
                    .or(withdrawals::card_masked.ilike(part)),
            );
        }
        rows
    }};
}

/// A withdrawal, as far as the scope reaches.
///
/// # Errors
/// `NOT_FOUND` when it is not there, or not in the scope.
pub async fn find(conn: &mut Conn, scope: Scope, id: TransactionId) -> Result<View> {
    let mut wanted = joined!().filter(withdrawals::transaction_id.eq(id)).into_boxed();
    if let Scope::Of(user) = scope {
        wanted = wanted.filter(withdrawals::user_id.eq(user));
    }
    let row: Row = wanted.select(columns!()).first(conn).await?;
    Ok(row.into())
}

/// One page of withdrawals.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Conn,
    scope: Scope,
    filter: &Filter,
    order: Order,
    window: Window,
) -> Result<Page<View>> {
    let wanted = narrowed!(joined!().into_boxed(), scope, filter);
    let id = withdrawals::transaction_id;
    let sorted = match order {
        Order::Newest => wanted.order((withdrawals::created_at.desc(), id.desc())),
        Order::Oldest => wanted.order((withdrawals::created_at.asc(), id.asc())),
        Order::Largest => wanted.order((transactions::amount.desc(), id.desc())),
        Order::Smallest => wanted.order((transactions::amount.asc(), id.asc())),
        Order::Urgent => wanted.order((
            withdrawals::settled_at.desc().nulls_first(),
            withdrawals::is_priority.desc(),
            withdrawals::created_at.asc(),
            id.asc(),
        )),
    };
    let rows: Vec<Row> =
        sorted.select(columns!()).limit(window.limit).offset(window.offset).load(conn).await?;
    let counted = narrowed!(joined!().into_boxed(), scope, filter);
    let count = counted.count().get_result(conn).await?;
    Ok(Page { rows: rows.into_iter().map(View::from).collect(), count })
}

impl From<Row> for View {
    fn from((withdrawal, transaction, owner): Row) -> Self {
        Self { transaction, withdrawal, owner }
    }
}
