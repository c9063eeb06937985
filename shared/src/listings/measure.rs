//! What operators watch: listings that wait for a moderator for too long.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::error::Result;
use crate::statement::statement;
use crate::telemetry::metrics;

/// More are not counted: the answer is "too many" by then.
const COUNT_MAX: i64 = 10_000;

/// Sets the gauge of listings that are due for automatic approval.
///
/// # Errors
/// The database's.
pub(crate) async fn measure(conn: &mut Conn, auto_approve_after: Duration) -> Result<()> {
    #[derive(QueryableByName)]
    struct Overdue {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let overdue: Overdue = statement(
        "SELECT count(*) AS count FROM (
             SELECT FROM listings WHERE status = 'pending' AND deleted_at IS NULL
             AND created_at < app_now() - make_interval(secs => $1::int) LIMIT $2) AS few",
    )
    .bind::<BigInt, _>(i64::try_from(auto_approve_after.as_secs()).unwrap_or(i64::MAX))
    .bind::<BigInt, _>(COUNT_MAX)
    .get_result(conn)
    .await?;
    metrics::AUTO_APPROVAL_OVERDUE.set(overdue.count);
    Ok(())
}
