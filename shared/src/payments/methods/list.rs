//! All methods, with what staff keep about them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::Conn;
use crate::error::Result;
use crate::ids::PaymentMethodId;
use crate::page::{Page, Window};
use crate::payments::providers::Provider;
use crate::schema::payment_methods;

/// A row of `payment_methods`, whole.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = payment_methods)]
pub struct ManagedMethod {
    /// Its id.
    pub id: PaymentMethodId,
    /// As people see it.
    pub name: String,
    /// As requests name it: never changed.
    pub code: String,
    /// The icon's name.
    pub icon: String,
    /// Off: nothing new begins, what began ends.
    pub is_active: bool,
    /// An object of staff's own notes for the UI; never a secret.
    pub config: Value,
    /// Added at.
    pub created_at: DateTime<Utc>,
    /// Changed at.
    pub updated_at: DateTime<Utc>,
}

impl ManagedMethod {
    /// Whether a provider serves it, so that a deposit can begin.
    #[must_use]
    pub fn is_wired(&self) -> bool {
        Provider::parse(&self.code).is_some()
    }
}

/// One window of all methods, by name.
///
/// # Errors
/// The database's.
pub async fn all_methods(conn: &mut Conn, window: Window) -> Result<Page<ManagedMethod>> {
    let rows = ManagedMethod::query()
        .order((payment_methods::name, payment_methods::id))
        .limit(window.limit)
        .offset(window.offset)
        .load(conn)
        .await?;
    let count = payment_methods::table.count().get_result(conn).await?;
    Ok(Page { rows, count })
}
