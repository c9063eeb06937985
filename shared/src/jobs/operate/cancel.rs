//! A job that is no longer wanted.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::row::JobRow;
use super::{JobState, Operator};
use crate::error::Result;
use crate::ids::JobId;
use crate::language::Text;
use crate::schema::{job_cancellations, jobs};
use crate::{Outcome, Tx};

const DONE: Text = Text::new(
    "Vazifa bajarilgan, uning natijasi qoladi.",
    "Задание выполнено, его результат остаётся.",
    "It is done; its effect stays.",
);
const DEAD: Text = Text::new(
    "Vazifa o'lik va o'zi ishlamaydi. Keraksiz bo'lsa, chiqarib tashlang.",
    "Задание мёртвое и само не пойдёт. Если не нужно — отбросьте его.",
    "It is dead and will not run by itself. Discard it if it is not needed.",
);

/// Cancels a job that waits; asks a running one to stop. Its worker stops it at the next step and rolls back what it had
/// not committed. A call to the outside is not interrupted: that run ends, and only another one is prevented.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_STATE` when it is done or dead; `BUSY`.
pub async fn cancel(tx: &mut Tx, by: &Operator, id: JobId) -> Result<Outcome> {
    let job = JobRow::lock(tx, id).await?;
    let done = match job.state {
        JobState::Pending | JobState::Dispatched => {
            let now = tx.now();
            diesel::update(jobs::table.find(id))
                .set((
                    jobs::state.eq(JobState::Cancelled),
                    jobs::last_error.eq(by.sentence("cancelled by an operator")),
                    jobs::finished_at.eq(now),
                ))
                .execute(tx.conn())
                .await?
        }
        JobState::Running => {
            diesel::insert_into(job_cancellations::table)
                .values((
                    job_cancellations::job_id.eq(id),
                    job_cancellations::requested_by.eq(by.name()),
                ))
                .on_conflict_do_nothing()
                .execute(tx.conn())
                .await?
        }
        JobState::Cancelled => 0,
        JobState::Done => return Err(job.refuse(DONE)),
        JobState::Dead => return Err(job.refuse(DEAD)),
    };
    if done == 0 {
        return Ok(Outcome::AlreadyDone);
    }
    let details = json!({ "kind": job.kind, "from": job.state });
    by.record(tx, "jobs.cancel", ("job", id.to_string()), details).await?;
    Ok(Outcome::Done)
}
