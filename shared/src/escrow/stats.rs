//! The numbers above the staff's list of deals.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::error::Result;
use crate::statement::statement;

/// How many deals are where.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Stats {
    /// Whose money is held.
    #[diesel(sql_type = BigInt)]
    pub active: i64,
    /// Paid, and nothing handed over.
    #[diesel(sql_type = BigInt)]
    pub pending_delivery: i64,
    /// Waiting for staff.
    #[diesel(sql_type = BigInt)]
    pub disputed: i64,
    /// Sold today, in Tashkent.
    #[diesel(sql_type = BigInt)]
    pub completed_today: i64,
}

/// Counts the deals.
///
/// # Errors
/// The database's.
pub async fn stats(conn: &mut Conn) -> Result<Stats> {
    let stats = statement(
        "SELECT count(*) FILTER (WHERE status <> 'confirmed') AS active,
                count(*) FILTER (WHERE status = 'paid' AND handed_over_at IS NULL) AS pending_delivery,
                count(*) FILTER (WHERE status = 'disputed') AS disputed,
                count(*) FILTER (WHERE status = 'confirmed') AS completed_today
         FROM escrows WHERE status IN ('paid', 'delivered', 'disputed')
            OR (status = 'confirmed'
                AND closed_at >= date_trunc('day', app_now() AT TIME ZONE 'Asia/Tashkent') AT TIME ZONE 'Asia/Tashkent')",
    )
    .get_result(conn)
    .await?;
    Ok(stats)
}
