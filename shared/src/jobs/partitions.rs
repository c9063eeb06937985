//! The partitions of the attempts' history: made ahead of the jobs, dropped behind them.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use crate::Tx;
use crate::error::Result;
use crate::statement::statement;

/// What a maintenance did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub(super) struct Partitions {
    /// How many are new.
    #[diesel(sql_type = BigInt)]
    pub(super) made: i64,
    /// How many went with the last of their jobs.
    #[diesel(sql_type = BigInt)]
    pub(super) dropped: i64,
}

/// Makes the partitions of the next forty million jobs, ten million in each, and drops those whose jobs are all gone.
///
/// # Errors
/// `BUSY` when somebody reads the history for too long; the database's.
pub(super) async fn maintain_partitions(tx: &mut Tx) -> Result<Partitions> {
    let partitions: Partitions =
        statement("SELECT made, dropped FROM maintain_job_attempts(10000000, 4)")
            .get_result(tx.conn())
            .await?;
    let Partitions { made, dropped } = partitions;
    tracing::info!(target: "jobs", made, dropped, "partitions of the attempts' history maintained");
    Ok(partitions)
}
