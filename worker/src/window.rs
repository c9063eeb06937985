//! What a dispatcher may still hand out: counted in the table now and then, and in its own books in between.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use shared::Conn;
use shared::error::Result;
use shared::jobs;

use crate::lane::{Lane, count};

/// How long a count is trusted: others hand out and take meanwhile.
const TRUSTED_FOR: Duration = Duration::from_millis(100);

/// This worker's share of what is free of a queue's window.
#[derive(Default)]
pub(crate) struct Window {
    free: i64,
    counted: Option<Instant>,
}

impl Window {
    /// What is free now; what this worker has taken since it counted is free again.
    pub(crate) async fn free(&mut self, conn: &mut Conn, lane: &Lane) -> Result<i64> {
        let taken = count(lane.taken.swap(0, Ordering::Relaxed));
        if self.counted.is_some_and(|counted| counted.elapsed() < TRUSTED_FOR) {
            self.free = self.free.saturating_add(taken);
        } else {
            self.free = jobs::room(conn, lane.queue).await?;
            self.counted = Some(Instant::now());
        }
        Ok(self.free)
    }

    /// So many rows were handed out.
    pub(crate) fn handed_out(&mut self, rows: usize) {
        self.free = self.free.saturating_sub(count(rows));
    }
}
