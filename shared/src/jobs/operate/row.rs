//! The row of a job, as commands decide by it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::JobState;
use crate::Tx;
use crate::error::{Code, Error, Result};
use crate::ids::JobId;
use crate::jobs::registry;
use crate::language::Text;
use crate::schema::jobs;

/// How often a row that the platform is just moving is looked at again, and after how long.
const LOOKS: usize = 25;
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// What commands decide by.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = jobs)]
pub(super) struct JobRow {
    pub(super) id: JobId,
    pub(super) kind: String,
    pub(super) state: JobState,
    pub(super) run_at: DateTime<Utc>,
    pub(super) attempt: i16,
    pub(super) max_attempts: i16,
    pub(super) unique_key: Option<String>,
}

impl JobRow {
    /// Locks the row of a job, unless its run has it: then the state is `running`, and nothing may be written to it.
    ///
    /// # Errors
    /// `NOT_FOUND`; `BUSY` when the row changes hands all the time.
    pub(super) async fn lock(tx: &mut Tx, id: JobId) -> Result<Self> {
        for _ in 0..LOOKS {
            let free = Self::query()
                .filter(jobs::id.eq(id))
                .for_no_key_update()
                .skip_locked()
                .first(tx.conn())
                .await
                .optional()?;
            if let Some(row) = free {
                return Ok(row);
            }
            let seen = Self::query().filter(jobs::id.eq(id)).first(tx.conn()).await?;
            if seen.state == JobState::Running {
                return Ok(seen);
            }
            // Handed out or claimed at this very moment: a matter of milliseconds.
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
        Err(Code::Busy.into())
    }

    /// The refusal of what the state forbids.
    pub(super) fn refuse(&self, hint: Text) -> Error {
        Error::invalid_state(self.state.as_str()).and_field("hint", hint, "")
    }

    /// The whole number of attempts again: numbers go on, because the attempts so far are kept under theirs.
    pub(super) fn attempts_again(&self) -> i16 {
        self.attempt.saturating_add(attempts_of(&self.kind).unwrap_or(self.max_attempts))
    }
}

/// How often a kind may try; none when this version does not know it: then it has as many again as it had.
pub(super) fn attempts_of(kind: &str) -> Option<i16> {
    registry().get(kind).map(|entry| entry.limits.max_attempts)
}
