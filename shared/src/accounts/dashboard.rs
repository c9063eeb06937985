//! A seller's numbers.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Numeric, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;

use crate::error::Result;
use crate::ids::UserId;
use crate::statement::statement;
use crate::{Conn, Money};

/// A seller's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Dashboard {
    /// What they offer now.
    #[diesel(sql_type = BigInt)]
    pub active_listings: i64,
    /// What they sold.
    #[diesel(sql_type = BigInt)]
    pub sold_listings: i64,
    /// How often what they offer or offered was looked at.
    #[diesel(sql_type = BigInt)]
    pub total_views: i64,
    /// Deals whose money they got.
    #[diesel(sql_type = BigInt)]
    pub total_sales_count: i64,
    /// What these were sold for, commission included and refunded parts left out.
    #[diesel(sql_type = Numeric)]
    pub total_sales_amount: Money,
    /// Sales per hundred views, two decimals.
    #[diesel(sql_type = Numeric)]
    pub conversion: Decimal,
}

/// Counts for one seller.
///
/// # Errors
/// The database's.
pub async fn dashboard(conn: &mut Conn, user: UserId) -> Result<Dashboard> {
    let numbers = statement(
        "WITH offers AS (
             SELECT count(*) FILTER (WHERE status = 'active' AND deleted_at IS NULL) AS active,
                    count(*) FILTER (WHERE status = 'sold') AS sold,
                    coalesce(sum(views_count), 0)::bigint AS views
             FROM listings WHERE seller_id = $1),
         sales AS (SELECT count(*) AS number FROM escrows WHERE seller_id = $1 AND status = 'confirmed'),
         money AS (SELECT coalesce(sum(amount), 0)::numeric(18,2) AS amount
                   FROM transactions WHERE user_id = $1 AND type = 'sale' AND status = 'completed')
         SELECT active AS active_listings, sold AS sold_listings, views AS total_views,
                number AS total_sales_count, amount AS total_sales_amount,
                coalesce(round(100.0 * number / nullif(views, 0), 2), 0.00) AS conversion
         FROM offers, sales, money",
    )
    .bind::<SqlUuid, _>(user)
    .get_result(conn)
    .await?;
    Ok(numbers)
}
