//! Staff look at the cases.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::{CaseKind, CaseStatus, PaymentCase};
use crate::Conn;
use crate::error::Result;
use crate::page::{Page, Window};
use crate::payments::providers::Provider;
use crate::schema::payment_cases;

/// Which cases.
#[derive(Clone, Copy, Debug, Default)]
pub struct CaseFilters {
    /// Only open or only resolved ones.
    pub status: Option<CaseStatus>,
    /// Only of this kind.
    pub kind: Option<CaseKind>,
    /// Only with this provider.
    pub provider: Option<Provider>,
}

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseOrder {
    /// The oldest first.
    Oldest,
    /// The newest first.
    Newest,
}

/// One window of the cases.
///
/// # Errors
/// The database's.
pub async fn list_cases(
    conn: &mut Conn,
    filters: CaseFilters,
    order: CaseOrder,
    window: Window,
) -> Result<Page<PaymentCase>> {
    let mut wanted = payment_cases::table.into_boxed();
    let mut counted = payment_cases::table.into_boxed();
    match filters.status {
        None => {}
        Some(CaseStatus::Open) => {
            wanted = wanted.filter(payment_cases::resolved_at.is_null());
            counted = counted.filter(payment_cases::resolved_at.is_null());
        }
        Some(CaseStatus::Resolved) => {
            wanted = wanted.filter(payment_cases::resolved_at.is_not_null());
            counted = counted.filter(payment_cases::resolved_at.is_not_null());
        }
    }
    if let Some(kind) = filters.kind {
        wanted = wanted.filter(payment_cases::kind.eq(kind));
        counted = counted.filter(payment_cases::kind.eq(kind));
    }
    if let Some(provider) = filters.provider {
        wanted = wanted.filter(payment_cases::provider.eq(provider));
        counted = counted.filter(payment_cases::provider.eq(provider));
    }
    let sorted = match order {
        CaseOrder::Oldest => {
            wanted.order((payment_cases::opened_at.asc(), payment_cases::id.asc()))
        }
        CaseOrder::Newest => {
            wanted.order((payment_cases::opened_at.desc(), payment_cases::id.desc()))
        }
    };
    let rows = sorted
        .select(PaymentCase::as_select())
        .limit(window.limit)
        .offset(window.offset)
        .load(conn)
        .await?;
    let count = counted.count().get_result(conn).await?;
    Ok(Page { rows, count })
}
