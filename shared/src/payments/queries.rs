//! Reading payment methods.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::PaymentMethod;
use crate::Conn;
use crate::error::Result;
use crate::page::{Page, Window};
use crate::schema::payment_methods;

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
